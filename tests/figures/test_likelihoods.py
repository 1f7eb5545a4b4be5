import re

from scalereid.figures.likelihoods import likelihood_card, likelihood_table, number_right

LIKELIHOODS = (0.5, 0.499, 0.7, 0.2, 0.9)
KNOWN = (1, 1, 0, 0, -1)


def test_right_and_wrong_at_one_half() -> None:
    table = likelihood_table(("hat", "bag", "a<b", "dress", "?"), LIKELIHOODS, KNOWN, caption="A & B")
    assert "<caption>A &amp; B</caption>" in table
    rows = re.findall(r'<tr class="(.*?)"><th scope="row">(.*?)</th>.*?<td>(\d+%)</td><td>(.?)</td></tr>', table)
    assert rows == [
        ("likely right", "<b>hat</b>", "50%", "✓"),
        ("unlikely wrong", "<b>bag</b>", "50%", "×"),
        ("likely wrong", "a&lt;b", "70%", "×"),
        ("unlikely right", "dress", "20%", "✓"),
        ("likely", "?", "90%", ""),
    ]
    assert number_right(LIKELIHOODS, KNOWN) == (2, 4)


def test_without_knowing_what_is_there_nothing_is_marked() -> None:
    table = likelihood_table(("hat", "bag"), (0.9, 0.1))
    assert re.findall(r'<tr class="(.*?)">', table) == ["likely", "unlikely"]
    assert not re.search("✓|×|<b>|caption|<td></td>", table)


def test_a_card_has_a_picture_and_its_tables() -> None:
    assert likelihood_card("P", ["one", "two"], 'class="item"') == (
        '<section class="item">\nP\n<div>onetwo</div>\n</section>'
    )
