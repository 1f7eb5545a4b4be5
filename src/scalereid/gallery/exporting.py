"""All that a gallery knows of one identity, in a folder: for the person who asks for it, or for another program."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scalereid.files import require_free, write_json
from scalereid.gallery.events import Event, Merge, Undo
from scalereid.gallery.history import History
from scalereid.gallery.identities import in_words, with_merged
from scalereid.gallery.ledger import Ledger


def export_identity(ledger: Ledger, history: History, identity: int, folder: Path) -> int:
    """Write an identity's sightings, pictures, embeddings and events into a new folder.

    The folder gets `identity.json` and, for each sighting of which the gallery has a picture, a JPEG file named by its number.

    Returns:
        The number of its sightings.

    Raises:
        ConflictError: There is no such identity.
        FileExistsError: The folder is there and not empty.
    """
    identities = history.identities()
    of = identities.get(identity)
    require_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, sighting in sorted(ledger.sightings(sorted(of.sightings)).items()):
        crop = ledger.crop(number)
        if crop:
            (folder / f"{number}.jpg").write_bytes(crop)
        vectors = {model.fingerprint: ledger.vector(model.number, number) for model in ledger.models()}
        rows.append(
            {"number": number, **asdict(sighting.seen), "added": sighting.added, "picture": crop and f"{number}.jpg"}
            | {"embeddings": {name: vector.tolist() for name, vector in vectors.items() if vector is not None}}
        )
    numbers = with_merged(identities, identity)
    events = [_described(event) for event in history.events() if _concerns(event, numbers, of.sightings)]
    document = {"identity": identity, "name": of.name, "sightings": rows, "events": events}
    write_json(folder / "identity.json", json.loads(json.dumps(document, default=str)))
    return len(rows)


def _concerns(event: Event, identities: set[int], sightings: set[int]) -> bool:
    body = event.body
    if isinstance(body, Undo):
        return False
    named = {event.number, getattr(body, "identity", None)} | ({*body.others} if isinstance(body, Merge) else set())
    return bool(named & identities) or bool(sightings & {*getattr(body, "sightings", ())})


def _described(event: Event) -> dict[str, Any]:
    return {"number": event.number, "at": event.at, "by": event.by, "event": in_words(event)}
