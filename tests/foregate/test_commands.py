"""The subcommands as a user types them, except `dev`, which has tests of its own."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from foregate.main import COMMANDS, main

ROOT = Path(__file__).parents[2]
SHOP = str(ROOT / "examples" / "shop" / "gateway.yaml")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    said = run(name, "--help")
    assert said.exit_code == 0
    assert "Example" in said.stdout
    assert f"foregate {name}" in said.stdout


def test_a_misspelled_command_is_told_what_was_meant() -> None:
    said = run("chekc")
    assert said.exit_code == 2
    assert "Did you mean 'check'?" in said.stderr


def test_completion_for_a_shell() -> None:
    said = CliRunner().invoke(main, prog_name="foregate", env={"_FOREGATE_COMPLETE": "bash_source"})
    assert "_foregate_completion" in said.stdout


def test_check_passes_the_examples() -> None:
    said = run("check", str(ROOT / "examples"))
    assert said.exit_code == 0
    assert "7 routes, 4 backends, no errors" in said.stdout


def test_check_tells_every_mistake_of_a_folder_of_gateways() -> None:
    said = run("check", str(ROOT / "tests" / "bad"))
    assert said.exit_code == 1
    expected = sorted((ROOT / "tests" / "bad").glob("*.txt"))
    assert len(expected) >= 80
    for file in expected:
        first = file.read_text().splitlines()[0]
        assert first in said.stdout, file.name


def test_check_explains_the_order_to_readers_and_programs() -> None:
    said = run("check", "--explain-order", SHOP).stdout
    told = json.loads(run("check", "--explain-order", "-o", "json", SHOP).stdout)
    hosts = told["gateways"][0]["order"]
    assert hosts
    for host in hosts:
        assert f"hosts {', '.join(host['domains'])}" in said
        for one in host["order"]:
            (line,) = (s for s in said.splitlines() if one["matches"] in s and one["why"] in s)
            assert line.endswith(", ".join(one["places"]))
    assert "order" not in json.loads(run("check", "-o", "json", SHOP).stdout)["gateways"][0]


def test_check_shows_the_order_and_who_enforces() -> None:
    said = run("check", "-v", SHOP)
    lines = said.stdout.splitlines()
    paths = [line.split()[1] for line in lines if line.startswith(("  r-", "  m-"))]
    assert paths.index("/users/{id}/orders") < paths.index("/users/**")
    assert any("retry in envoy: " in line and f"inherited from {SHOP}:" in line for line in lines)


def test_check_asks_for_secrets_as_servers_do(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "version: 1\nidentities: {keys: {apiKey: {header: x-api-key}}}\n"
        'consumers: {bob: {key: "sha256:${FOREGATE_TEST_HASH}"}}\n'
        "routes: [{path: /a, auth: keys, respond: {status: 200}}]\n"
    )
    said = run("check", "-v", str(file))
    assert said.exit_code == 0
    assert "warning: the secret ${FOREGATE_TEST_HASH} is not set here" in said.stdout
    assert "auth in extauthz: " in said.stdout
    refused = run("check", "--env", str(file))
    assert refused.exit_code == 1
    assert "error: the secret ${FOREGATE_TEST_HASH} is not set" in refused.stdout
    environ = {"FOREGATE_TEST_HASH": "ab" * 32}
    said = CliRunner().invoke(main, ["check", "--env", str(file)], env=environ)
    assert said.exit_code == 0
    shown = CliRunner().invoke(main, ["xds", str(file)], env=environ).stdout
    assert "ab" * 8 not in shown
    (tmp_path / "bob").write_text("sha256:" + "ab" * 32 + "\n")
    file.write_text(file.read_text().replace('"sha256:${FOREGATE_TEST_HASH}"', "{file: bob}"))
    assert run("check", "--env", str(file)).exit_code == 0


def test_docs_know_named_things() -> None:
    said = run("docs", "identities").stdout
    assert "Who vouches for callers" in said
    assert "# auth: who may pass" in said
    assert run("docs", "consumers.keys.hash").exit_code == 0
    assert run("docs", "whenDown.jwks.useCachedFor").exit_code == 0


def test_check_says_which_files_would_not_be_served() -> None:
    folder = ROOT / "tests" / "bad" / "changes" / "backend-twice" / "new"
    said = run("check", str(folder))
    assert said.exit_code == 1
    admin, orders, users = said.stdout.splitlines()[-3:]
    conflict = "{} is not served on a cold start: it conflicts with {}; neither is"
    assert admin.startswith(conflict.format(folder / "admin.yaml", folder / "users.yaml"))
    assert orders.endswith("there is no backend 'users'")
    assert users.startswith(conflict.format(folder / "users.yaml", folder / "admin.yaml"))
    (told,) = json.loads(run("check", "-o", "json", str(folder)).stdout)["gateways"]
    states = {file["home"]: file["state"] for file in told["files"]}
    assert states == {
        "admin.yaml": "not served",
        "gateway.yaml": "current",
        "orders.yaml": "not served",
        "users.yaml": "not served",
    }
    good = json.loads(run("check", "-o", "json", str(folder.parent / "good")).stdout)
    assert {f["state"] for f in good["gateways"][0]["files"]} == {"current"}
    assert "cold start" not in run("check", str(folder.parent / "good")).stdout


def test_check_for_programs() -> None:
    said = json.loads(run("check", "-o", "json", SHOP).stdout)
    assert said["ok"] is True
    (gateway,) = said["gateways"]
    assert gateway["mistakes"] == []
    assert [h["domains"] for h in gateway["hosts"]] == [["*"]]
    bad = run("check", "-o", "json", str(ROOT / "tests" / "bad" / "auth-missing.yaml"))
    assert bad.exit_code == 1
    (mistake, *_) = json.loads(bad.stdout)["gateways"][0]["mistakes"]
    assert {"file", "line", "column", "severity", "message", "hint"} <= mistake.keys()


def test_xds_gives_each_resource_with_its_lines() -> None:
    said = run("xds", SHOP)
    assert "# Cluster search (version " in said.stdout
    assert f"# from {SHOP}:26:3" in said.stdout
    listed = json.loads(run("xds", "-o", "json", SHOP).stdout)
    kinds = {r["type"].rpartition(".")[2] for r in listed["resources"]}
    assert kinds == {"Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"}
    for resource in listed["resources"]:
        assert resource["lines"], resource["name"]
    (table,) = [r for r in listed["resources"] if r["type"].endswith("RouteConfiguration")]
    names = {f"*/{route['name']}" for route in table["resource"]["virtual_hosts"][0]["routes"]}
    assert names <= table["parts"].keys()


def test_xds_of_a_file_with_mistakes_is_the_mistakes(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("version: 2\n")
    said = run("xds", str(tmp_path / "gateway.yaml"))
    assert said.exit_code == 1
    assert said.stdout == ""
    assert "gateway.yaml:1:10: error" in said.stderr


def test_the_schema_is_the_committed_one_and_takes_the_example() -> None:
    schema = json.loads(run("schema").stdout)
    assert schema == json.loads((ROOT / "gateway.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(Path(SHOP).read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "routse": []}, schema)


def test_docs_explain_a_key_with_its_page() -> None:
    said = run("docs", "retry.attempts")
    assert said.exit_code == 0
    assert "Retries after the first try" in said.stdout
    page = (ROOT / "policies" / "outlier_detection" / "README.md").read_text()
    assert page in run("docs", "outlierDetection").stdout
    assert "routes.path" in run("docs").stdout
    missing = run("docs", "tiemout")
    assert missing.exit_code == 1
    assert "did you mean 'timeout'?" in missing.stderr
    assert "routes.timeout" in json.loads(run("docs", "-o", "json").stdout)
