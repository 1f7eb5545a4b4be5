import pickle

from scalereid.data.shapes import ShapeCount, is_odd


def test_shapes_of_people_and_of_frames() -> None:
    assert not any(
        is_odd(*size) for size in ((128, 64), (64, 64), (800, 100), (16, 160))
    )  # the last is too small to tell
    assert all(is_odd(*size) for size in ((576, 768), (63, 64), (801, 100)))


def test_the_question_is_asked_with_the_numbers_and_the_first_by_name() -> None:
    shapes = ShapeCount()
    shapes.add(128, 64, "a.jpg")
    assert shapes.question() == ""
    for name in ("c.jpg", "b.jpg"):
        shapes.add(576, 768, name)
    assert shapes.question() == (
        "2 of 3 images do not have the shape of a person: wider than tall, or more than 8 times as tall as wide. Are they "
        "whole frames rather than crops of people? The first of them: b.jpg (768×576 pixels, width×height)."
    )


def test_images_without_a_name_are_counted_too() -> None:
    shapes = ShapeCount()
    shapes.add(576, 768)
    assert shapes.question().endswith("rather than crops of people?")


def test_counts_of_several_processes_are_one() -> None:
    shapes, frames = ShapeCount(), ShapeCount()
    shapes.add(128, 64, "a.jpg")
    for name in ("c.jpg", "b.jpg"):
        frames.add(576, 768, name)
    for other in (ShapeCount(), frames, frames):
        shapes.include(pickle.loads(pickle.dumps(other)))
    assert (shapes.images, shapes.odd) == (5, 4)
    assert shapes.question().endswith("The first of them: b.jpg (768×576 pixels, width×height).")
    shapes.include(shapes.__class__())
    assert "b.jpg" in shapes.question()
