"""`python -m deploy.world --config FILE --port P`, or `python -m deploy.world keys FOLDER` to make the keys only."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvicorn

from deploy.world.app import create
from deploy.world.config import BadConfig, Config
from deploy.world.keys import load_keys, make_keys


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["keys"]:
        return _keys(arguments[1:])
    parser = argparse.ArgumentParser(prog="deploy.world", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args(arguments)
    try:
        config = Config.load(options.config)
    except (BadConfig, OSError) as error:
        print(f"the configuration cannot be used: {error}", file=sys.stderr)
        return 2
    make_keys(config.secrets)
    _quiet_broken_answers()
    app = create(config, load_keys(config.secrets))
    # An idle connection must outlive the client's idea of idle, or every pause breaks a call.
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False, timeout_keep_alive=75)
    return 0


def _keys(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deploy.world keys")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    make_keys(folder)
    print(folder)
    return 0


def _quiet_broken_answers() -> None:
    """Answers are broken off on purpose; the server would report each as a bug of the application."""
    expected = "without completing response"
    logging.getLogger("uvicorn.error").addFilter(lambda record: expected not in record.getMessage())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
