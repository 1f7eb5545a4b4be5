"""scalereid gallery stats, check, rebuild, set, retention: how a gallery is, and how it is to be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated

from rich.table import Column, Table

from scalereid.cli.errors import UsageError
from scalereid.cli.gallery.options import By, GalleryPlace, upkeep
from scalereid.cli.gallery.tables import named, when
from scalereid.cli.options import Flat, Switch, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.wording import counted


def stats(gallery: GalleryPlace, output: Flat[Output]) -> None:
    """Say what is in a gallery."""
    with upkeep(gallery) as at:
        found, overdue = at.stats(), len(at.overdue())
    table = Table("", Column(justify="right"), show_header=False)
    rows = {
        "sightings": f"{found.sightings:,}", "that can be found": f"{found.embedded:,}", "pictures kept": f"{found.crops:,}",
        "first": when(found.first), "last": when(found.last), "identities": f"{found.identities:,}",
        "sightings with an identity": f"{found.identified:,}", "events": f"{found.events:,}",
        "searches": f"{found.searches:,}", "overdue by the retention": f"{overdue:,}",
        "size of the database": f"{found.bytes / 1e6:,.1f} MB",
    }  # fmt: skip
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    for camera, number in found.cameras.items():
        table.add_row(f"camera {camera}" if camera else "camera not known", f"{number:,}")
    output.show(table)
    meaning = f"calibrated on {found.calibration}" if found.calibration else "not calibrated"
    output.say(f"{found.database}: {found.model} ({found.fingerprint}), {meaning}")
    output.result(asdict(found) | {"overdue": overdue})


def check(gallery: GalleryPlace, output: Flat[Output]) -> None:
    """Find out what is wrong with a gallery. Nothing is changed. Exits with 1 if
    something is."""
    with upkeep(gallery) as at:
        problems = at.check()
    for problem in problems:
        output.say(problem)
    output.say("nothing wrong" if not problems else counted(len(problems), "problem"))
    output.result({"problems": problems})
    if problems:
        raise SystemExit(1)


def rebuild(gallery: GalleryPlace, output: Flat[Output]) -> None:
    """Write the index anew from the database. Nothing that was said is lost."""
    with upkeep(gallery) as at:
        at.rebuild()
        number = len(at.index.numbers())
    output.say(f"the index has {counted(number, 'sighting')}")
    output.result({"sightings": number})


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Rules to add or change, in days; 'keep' is for ever, 'none' takes a rule away."""

    days: Annotated[str | None, otherwise("as it is")] = None
    """For sightings without another rule."""
    camera: Annotated[tuple[str, ...], otherwise("as they are")] = ()
    """For a camera's sightings: hall=30"""
    identity: Annotated[tuple[str, ...], otherwise("as they are")] = ()
    """For an identity's sightings, whatever their cameras: 12=365 or 12=keep"""
    delete: Switch = False
    """Delete what has been kept for longer than that. It cannot be had back."""


def retention(gallery: GalleryPlace, new: Flat[Rules], output: Flat[Output], by: By = "") -> None:
    """Show or change for how long sightings are kept, and delete what is overdue.
    Without --delete nothing is deleted; let a timer call it once a day with it."""
    with upkeep(gallery, by) as at:
        now = at.retention
        rules = replace(
            now,
            days=now.days if new.days is None else _days("--days", new.days, new.days),
            cameras=_changed(now.cameras, "--camera", new.camera),
            identities=_changed(now.identities, "--identity", new.identity, _plain),
        )
        for number in rules.identities.keys() - now.identities.keys():
            at.identities.get(int(number))
        if rules != now:
            at.retention = rules
        overdue = at.overdue()
        deleted = at.forget(sightings=overdue) if new.delete and overdue else []
        empty = {number: one.name for number, one in at.identities.by_number.items() if not one.sightings}
    table = Table("sightings", Column("kept for", justify="right"))
    for name, limit in (
        *((f"of identity {number}", days) for number, days in rules.identities.items()),
        *((f"by camera {name}", days) for name, days in rules.cameras.items()),
        ("all others", rules.days),
    ):
        table.add_row(name, "ever" if limit is None else f"{limit:g} days")
    output.show(table)
    if new.delete:
        output.say(f"deleted: {counted(len(deleted), 'sighting')}")
    elif overdue:
        output.say(
            f"{counted(len(overdue), 'sighting')} overdue. Delete them:  {program()} gallery retention {gallery} --delete"
        )
    for identity, called in empty.items():
        output.say(
            f"identity {named(identity, called)} has no sightings, and is still in the list. Delete it, too:  "
            f"{program()} gallery forget {gallery} --identity {identity}"
        )
    output.result(rules.to_json() | {"overdue": overdue, "deleted": deleted, "empty": [*empty]})


def _changed(
    rules: Mapping[str, float | None], flag: str, words: Sequence[str], plain: Callable[[str], str] = str
) -> dict[str, float | None]:
    """Rules after some were added, changed or taken away, each in the words NAME=DAYS, NAME=keep or NAME=none.

    `plain` gives the name as the rules have it.
    """
    changed = dict(rules)
    for word in words:
        name, _, days = word.rpartition("=")
        if name and days == "none":
            changed.pop(plain(name), None)
        else:
            changed[plain(name)] = _days(flag, word, days if name else "", "NAME=")
    return changed


def _days(flag: str, word: str, days: str, name: str = "") -> float | None:
    """A number of days; None for ever.

    Raises:
        UsageError: It is something else.
    """
    if days == "keep" or (days == "none" and not name):  # a single rule that is taken away
        return None
    try:
        return float(days)
    except ValueError:
        expected = f"{name}DAYS, such as {name}30" if name else "a number of days"
        raise UsageError(f"{flag} is {word!r}; expected {expected}, or {name}keep or {name}none") from None


def _plain(number: str) -> str:
    """The number of an identity without zeros before it."""
    if not number.isdecimal():
        raise UsageError(f"--identity names {number!r}; expected the number of an identity")
    return str(int(number))
