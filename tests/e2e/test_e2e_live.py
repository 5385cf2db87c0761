"""Changes while the gateway runs: a save is live, a mistake leaves the last good state."""

import httpx

from tests.e2e.harness import Gateway


def test_a_save_is_live_and_a_mistake_changes_nothing(gateway: Gateway, http: httpx.Client) -> None:
    file = gateway.folder / "any.yaml"
    good = file.read_text()
    assert http.get("/new").status_code == 404
    added = good + "  - path: /new\n    respond: {status: 200, body: here}\n"
    file.write_text(added)
    gateway.process.wait_for("live in")
    assert http.get("/new").text == "here"
    file.write_text(added.replace("status: 200, body: here", "statsu: 200"))
    said = gateway.process.wait_for("unknown key 'statsu'")
    assert "any.yaml:" in said
    gateway.process.wait_for("still serving")
    assert http.get("/new").text == "here"
    file.write_text(good)
    gateway.process.wait_for("live in")
    assert http.get("/new").status_code == 404
    assert http.get("/who").text == "any"
