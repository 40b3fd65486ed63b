"""The containers are told what the programs read, and nothing that they do not read. No container is started here."""

from __future__ import annotations

import importlib.util
import json
import re
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.containers import ConnectSettings, ContainerSettings
from deploy.kafka.local import SETTINGS as LOCAL_KAFKA
from deploy.world.__main__ import main as world_main
from shared.db.embedded import DEFAULTS
from shared.db.migrate import ROOT
from shared.host import LAST_WORD_SECONDS
from shared.telemetry import METRICS
from tests.deploy.compose import (
    FILE,
    OURS,
    compose,
    environment,
    ports,
    postgres_settings,
    services,
    settings_of,
    variables,
)  # fmt: skip

READERS: dict[str, type[BaseSettings]] = {
    **{name: settings_of(name) for name in OURS},
    "setup": ContainerSettings,
    "connect": ConnectSettings,
}  # fmt: skip
# Its image has neither shell nor client; whoever asks from outside is answered on a published port.
WITHOUT_HEALTH_CHECK = {"otel-collector"}
ONCE = {"setup", "connect"}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "corridor.json"

each_of_ours = pytest.mark.parametrize("name", OURS)
each = pytest.mark.parametrize("name", services())


@pytest.mark.parametrize("name", READERS)
def test_every_variable_is_one_that_the_program_reads(name: str) -> None:
    assert environment(name).keys() - variables(READERS[name]).keys() == set()


@pytest.mark.parametrize("name", READERS)
def test_what_a_program_cannot_start_without_is_there(name: str) -> None:
    needed = {variable for variable, field in variables(READERS[name]).items() if field.is_required()}

    assert needed - environment(name).keys() == set()


@pytest.mark.parametrize("name", READERS)
def test_the_settings_take_every_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, value)

    READERS[name]()


@each_of_ours
def test_a_service_runs_its_own_entry_point_from_its_own_image(name: str) -> None:
    service = services()[name]

    assert service["command"] == [f"services.{name}"]
    assert importlib.util.find_spec(f"services.{name}.__main__") is not None
    assert service["build"] == {
        "context": ".", "dockerfile": "deploy/Dockerfile", "target": "service", "args": {"SERVICE": name},
    }  # fmt: skip
    assert urlsplit(environment(name)["CORRIDOR_DSN"]).path == f"/{name}"


def test_the_other_commands_are_programs_of_ours_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert [services()[name]["command"] for name in ("setup", "connect")] == [
        ["deploy.containers", "prepare"], ["deploy.containers", "connect"],
    ]  # fmt: skip
    module, *arguments = services()["world"]["command"]

    assert module == "deploy.world"
    assert world_main(["--config", "/nowhere/world.json", *arguments[2:]]) == 2
    assert "cannot be used" in capsys.readouterr().err


@each_of_ours
def test_port_and_health_path_are_the_programs(name: str) -> None:
    asked = re.search(r"urlopen\('(?P<url>[^']+)'", services()[name]["healthcheck"]["test"][-1])

    assert asked is not None
    url = urlsplit(asked["url"])
    assert (url.port, url.path) == (int(environment(name)["CORRIDOR_PORT"]), "/readyz")
    assert list(ports(name).values()) == [url.port]
    assert environment(name)["CORRIDOR_HOST"] == "0.0.0.0"  # a container's own address is not the loopback


@each
def test_every_container_is_bounded_and_says_whether_it_is_well(name: str) -> None:
    service = services()[name]

    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    if name not in ONCE | WITHOUT_HEALTH_CHECK:
        assert service["healthcheck"]["test"]
    if name not in ONCE:
        assert service["restart"] == "unless-stopped"


@each
def test_an_image_is_of_a_fixed_version_from_no_named_registry(name: str) -> None:
    image = services()[name].get("image")

    assert (image is None) == ("build" in services()[name])
    if image is not None:
        path, _, tag = image.partition(":")
        assert re.search(r"\d", tag)
        assert "." not in path.split("/")[0]


def test_no_two_containers_want_one_port() -> None:
    outside = [port for name in services() for port in ports(name)]

    assert len(outside) == len(set(outside))


@each
def test_every_address_names_a_container_that_listens_there(name: str) -> None:
    listens = {name: {int(environment(name)["CORRIDOR_PORT"])} for name in OURS} | {
        "world": {9100}, "kafka": {9092, 9093}, "postgres": {5432}, "otel-collector": {4318},
    }  # fmt: skip
    for variable, value in environment(name).items():
        for host, port in re.findall(r"(?:@|//)([a-z-]+):(\d+)", value):
            assert int(port) in listens[host], f"{variable}={value}"


def test_everything_that_a_container_waits_for_is_there() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services(), name
            ends = how["condition"] == "service_completed_successfully"
            assert ends == (other in ONCE), name
            assert ends or "healthcheck" in services()[other], name


def test_all_time_runs_at_one_pace() -> None:
    paces = {environment(name)["CORRIDOR_TIME_SCALE"] for name in (*OURS, "setup")}

    assert len(paces) == 1


@each_of_ours
def test_a_service_is_given_the_time_that_its_end_may_take(name: str) -> None:
    assert int(services()[name]["stop_grace_period"].removesuffix("s")) > LAST_WORD_SECONDS


@each
def test_every_mounted_file_is_in_the_repository_and_every_volume_is_declared(name: str) -> None:
    for volume in services()[name].get("volumes", ()):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith("./") else source in compose()["volumes"], volume


def test_kafka_in_its_container_is_set_up_like_the_one_that_the_tests_run() -> None:
    told = {
        key.removeprefix("KAFKA_").replace("_", ".").lower(): value
        for key, value in environment("kafka").items()
        if key.startswith("KAFKA_")
    }

    assert {key: told.get(key, "").lower() for key in LOCAL_KAFKA} == {k: v.lower() for k, v in LOCAL_KAFKA.items()}


def test_postgres_in_its_container_keeps_the_laws_of_the_embedded_one() -> None:
    told = postgres_settings()
    laws = (
        "fsync",
        "synchronous_commit",
        "max_locks_per_transaction",
        "log_min_error_statement",
        "log_error_verbosity",
    )

    assert {name: told[name] for name in laws} == {name: DEFAULTS[name] for name in laws}
    assert services()["postgres"]["command"][-1] == "config_file=/etc/corridor.conf"


def test_the_dockerfile_copies_what_is_there() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source.replace("${SERVICE}", "orders") for line in lines for source in line.split()]

    assert len(sources) > 10
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_every_target_that_is_built_is_in_the_dockerfile_and_the_world_gets_none_of_our_code() -> None:
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n((?:(?!^FROM ).*\n)*)", DOCKERFILE, re.MULTILINE))
    wanted = {service["build"]["target"] for service in services().values() if "build" in service}

    assert wanted <= stages.keys()
    assert not re.search(r"\b(services|shared)\b", stages["world"])
    for target in wanted:
        assert "USER corridor" in stages[target]


def test_what_is_built_gets_into_the_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    admitted = {line[1:] for line in lines if line.startswith("!")}

    assert lines[0] == "*"
    needed = {source.split("/")[0] for source in re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)}
    assert needed <= admitted


def test_the_collectors_pipelines_use_what_is_declared_and_prometheus_asks_where_it_answers() -> None:
    collector = yaml.safe_load((ROOT / "deploy/otel/collector.yaml").read_text())
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]

    for pipeline in collector["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= collector[part].keys()
    assert set(collector["service"]["extensions"]) <= collector["extensions"].keys()
    port = collector["exporters"]["prometheus"]["endpoint"].rpartition(":")[2]
    assert scraped[0]["static_configs"] == [{"targets": [f"otel-collector:{port}"]}]
    otlp = urlsplit(environment("orders")["CORRIDOR_OTLP_ENDPOINT"])
    assert collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(f":{otlp.port}")
    assert collector["exporters"]["otlp/jaeger"]["endpoint"].split(":")[0] in services()


def prometheus_names() -> dict[str, set[str]]:
    """Metric → its series as the collector's Prometheus exporter names them."""
    names = {}
    for name, (unit, _) in METRICS.items():
        stem = name.replace(".", "_")
        if unit == "s":
            names[name] = {f"{stem}_seconds_{part}" for part in ("bucket", "sum", "count")}
        else:
            names[name] = {stem, f"{stem}_total"}
    return names


def test_the_dashboard_shows_every_metric_of_ours_and_no_other() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"\b((?:corridor|messaging)_\w+)", text)}
    known = prometheus_names()

    assert used - set().union(*known.values()) == set()
    assert {name for name, series in known.items() if not series & used} == set()
    assert not [text for text in expressions if "$service" not in text]


def test_the_dashboard_and_its_sources_are_where_grafana_looks() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    provisioned = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/corridor.yaml").read_text())
    mounted = dict(volume.split(":")[:2] for volume in services()["grafana"]["volumes"])
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/corridor.yaml").read_text())["providers"]

    assert {panel["datasource"]["uid"] for panel in board["panels"]} <= {
        one["uid"] for one in provisioned["datasources"]
    }
    assert mounted["./deploy/grafana/dashboards"] == provider[0]["options"]["path"]
    assert environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == (
        f"{provider[0]['options']['path']}/{DASHBOARD.name}"
    )
    for source in provisioned["datasources"]:
        assert urlsplit(source["url"]).hostname in services()


def test_nothing_secret_lies_in_the_file() -> None:
    text = FILE.read_text("utf-8")

    assert set(re.findall(r"\$\{\w*PASSWORD\w*:-([^}]*)\}", text)) == {"development"}
    assert not re.search(r"(?i)(secret|token|key):\s*[\"']?[0-9a-f]{16,}", text)
