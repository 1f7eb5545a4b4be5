"""Searches: by pictures, by embeddings, by a sighting."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Form, UploadFile

from scalereid.gallery.answers import Answer, Thresholds, Verdict
from scalereid.gallery.gallery import Gallery
from scalereid.service.errors import NotFoundError
from scalereid.service.pictures import read_pictures
from scalereid.service.questions import Number, PictureQuestion, Question, VectorQuestion, in_form
from scalereid.service.state import Acting, Served, embedder

router = APIRouter(tags=["search"])
Pictures = Annotated[list[UploadFile], File(description="Pictures of one person.")]
Asked = Annotated[str, Form(description="A PictureQuestion as JSON.")]


@dataclass(frozen=True)
class Found:
    """An answer, and what its probabilities rest on."""

    verdict: Verdict
    answer: Answer
    thresholds: Thresholds
    calibration: str | None
    """What the model was calibrated on; null if it was not, and then there are no probabilities."""


@router.post("/api/search")
def search(pictures: Pictures, service: Served, gallery: Acting, question: Asked = "{}") -> Found:
    """Who is on a picture, on a part of it, or on several pictures of one person."""
    asked = in_form(PictureQuestion, question)
    images = read_pictures(pictures, service.limits, asked.box)
    model = gallery.model
    found = gallery.find(
        embedder(gallery)(images),
        top=asked.top,
        where=asked.filter(),
        among=asked.whom(),
        seen=asked.seen(),
        purpose=asked.purpose,
        model=model,
    )
    return _told(gallery, found)


@router.post("/api/search/embeddings")
def search_embeddings(question: VectorQuestion, gallery: Acting) -> Found:
    """The same of embeddings by the gallery's model."""
    widths = {len(row) for row in question.embeddings}
    if len(widths) > 1:
        raise ValueError(f"the embeddings have {sorted(widths)} values; they must have as many each")
    vectors = np.array(question.embeddings, np.float32)
    if not np.linalg.norm(vectors, axis=1).all():
        raise ValueError("an embedding has the length 0, and no direction; send what the model gives")
    found = gallery.find(
        vectors, top=question.top, where=question.filter(), among=question.whom(), purpose=question.purpose
    )
    return _told(gallery, found)


@router.post("/api/sightings/{number}/similar")
def similar(number: Number, question: Question, gallery: Acting) -> Found:
    """Who is on a sighting, of others than those that it was said not to show."""
    if not gallery.sightings([number]):
        raise NotFoundError(f"No such sighting: {number}. It is not in the gallery, or was forgotten.")
    found = gallery.similar(
        number, top=question.top, where=question.filter(), among=question.whom(), purpose=question.purpose
    )
    return _told(gallery, found)


def _told(gallery: Gallery, found: Answer) -> Found:
    calibration = gallery.calibration
    return Found(found.verdict, found, gallery.thresholds, calibration.dataset if calibration else None)
