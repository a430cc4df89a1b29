#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether each line of files of events or traces is as conf/events.schema.json says.

usage: events.py FILE...
"""
import json
import sys
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((ROOT / "conf/events.schema.json").read_text("utf-8")))


def read(path):
    """Returns the events of a file; raises ValueError for a line that the schema does not allow."""
    lines = Path(path).read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    for event, line in zip(found, lines):
        if (error := next(VALIDATOR.iter_errors(event), None)) is not None:
            inner = [e.message for e in error.context or () if "event" not in e.path]
            raise ValueError(f"{line}: {error.message[:300]} {inner[:3]}")
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        read(name)
