from fastapi.testclient import TestClient

from scalereid.gallery.gallery import Gallery


def test_a_page_is_told_what_is_served(client: TestClient, gallery: Gallery) -> None:
    gallery.enrol([1, 2], "Anna")
    found = client.get("/api/about", headers={"x-by": "me"}).json()
    stats = gallery.stats()
    assert (found["sightings"], found["identities"], found["by"]) == (stats.sightings, 1, "me")
    assert found["cameras"] == stats.cameras
    assert (found["model"], found["calibration"], found["detector"]) == (stats.model, "", "")
    assert found["attributes"] == []
    assert found["thresholds"] == {"likely": 0.9, "possible": 0.5}
    assert (found["body"], found["pictures"]) == (200_000, 3)
