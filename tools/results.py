# SPDX-License-Identifier: MIT
"""Result files: reads them, says what kind each is, and what is wrong with one that is none.

A file is a comparison (run.json), an experiment's document, which has records of some kinds, the
counted instructions (counts.json) or the row of a Linux kernel (peer.json).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas import complaint_of

Json = dict[str, Any]
# Kind of a file that is none of an experiment, the key that only it has at its top, its schema.
KINDS = (("comparison", "policies", "run.schema.json"), ("counts", "counts", "counts.schema.json"),
         ("peer", "peer", "peer.schema.json"))
# What is read of an experiment's records. Others, and other fields, are the experiment's own.
ROW: dict[str, type] = {"policy": str, "roots": int}
FIELDS: dict[str, dict[str, type]] = {
    "bucket": ROW | {"cpu": int, "from_ns": int, "count": int},
    "purge": ROW | {"isolated": int, "pages": int, "instructions": int},
    "scale": ROW | {"isolated": int, "instructions": int},
    "entry": ROW | {"door": str, "owed": str, "instructions": int},
    "slope": ROW | {"cpus": int, "instructions": float},
    "round_trip": {"sender": int, "receiver": int, "tsc_min": int},
}
MAX_CPU = 255


class ResultError(Exception):
    """A file that is no result, or not a whole one; the text names it."""


@dataclass(frozen=True)
class Result:
    """One file. kind: the first column of KINDS, or experiment."""
    path: Path
    kind: str
    document: Json

    def records(self, kind: str) -> list[Json]:
        """An experiment's records of one kind, in their order."""
        return [record for record in records_in(self.document) if record["record"] == kind]

    @property
    def host(self) -> Json:
        """Who ran it; {} in a document as the kernel wrote it."""
        found: Json = self.document.get("host", {})
        return found

    @property
    def emulated(self) -> bool:
        """Are its times meaningless? What does not say that it ran on a machine is taken for it."""
        return bool(self.document.get("machine", {}).get("emulated", True))


def records_in(document: Json) -> list[Json]:
    """All records of an experiment's document: the objects in its lists that name their kind."""
    return [item for value in document.values() if isinstance(value, list)
            for item in value if isinstance(item, dict) and isinstance(item.get("record"), str)]


def complaint_of_record(record: Json) -> str:
    """Why one record cannot be used, "" if it can or nothing reads it."""
    for name, kind in FIELDS.get(record["record"], {}).items():
        value = record.get(name)
        if kind is str and not (isinstance(value, str) and value):
            return f"{name} has to be text, is {value!r}"
        number = int if kind is int else (int, float)
        if kind is not str and (not isinstance(value, number) or isinstance(value, bool)
                                or value < 0):
            return f"{name} has to be a {'count' if kind is int else 'number'}, is {value!r}"
        if name in ("cpu", "sender", "receiver") and int(str(value)) > MAX_CPU:
            return f"{name} has to be a CPU, 0 to {MAX_CPU}, is {value}"
    return ""


def load(path: Path) -> Result:
    """Reads a result. Raises ResultError."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise ResultError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ResultError(f"{path}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ResultError(f"{path}: holds no object, so it is no result")
    kinds = [(kind, name) for kind, key, name in KINDS if key in document]
    records = records_in(document)
    if len(kinds) + bool(records) != 1:
        keys = " ".join(key for _, key, _ in KINDS)
        raise ResultError(f"{path}: no result of Lateflush: these have one of {keys}, or records")
    if kinds:
        complaint = complaint_of(document, kinds[0][1])
        if complaint:
            raise ResultError(f"{path}: {complaint}")
    for number, record in enumerate(records, 1):
        complaint = complaint_of_record(record)
        if complaint:
            raise ResultError(f"{path}: record {number} ({record['record']}): {complaint}")
    return Result(path, kinds[0][0] if kinds else "experiment", document)
