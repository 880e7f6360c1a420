#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns the text of the QR code that ends a run on the screen back into JSON.

qr.py FILE: a picture (a photograph or screenshot; read by zbarimg, package zbar-tools), or the text
that a phone has read. Standard input with "-". Of a comparison the JSON has the names of run.json,
but of each policy the sums over its isolated CPUs (kernel/essence.h has the text's form). Of any
other experiment it is the whole document: a zlib stream in base 45 (RFC 9285).
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

NAME = "LATEFLUSH/"
MARK = NAME + "1"
DOCUMENT_MARK = NAME + "2 "
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
VERDICTS = {"P": "pass", "F": "fail", "E": "error", "S": "skip"}
OF_POLICY = ("flushes", "phase2_flushes", "held_pages", "syscall_instructions")
# Sums over the isolated CPUs, in the order of kernel/essence.c.
SUMS = ("stale", "nmi_stale", "tlbi_ipis", "tlbi_callbacks", "deferred", "drained",
        "kernel_entries", "raced_ipis", "phase2_entries", "deferrable_ipis", "owed_entries",
        "flush_all", "flush_one", "other_irqs", "nmis", "warm", "lost", "lost_in_nmi",
        "spurious_drains", "unexplained")
FEATURES = ("x2apic", "pcid", "invpcid", "pge", "nx", "smep", "smap", "umip", "fsgsbase",
            "invlpgb")
LIMIT = 60                      # seconds for zbarimg


class QrError(Exception):
    """This is no whole result."""


def number(text: str) -> int | None:
    """A number of base 36; "-" is unknown."""
    return None if text == "-" else int(text, 36)


def policy_name(text: str) -> str:
    """Names are lower case, but for a defect's: watching+N4."""
    base, plus, defect = text.partition("+")
    return base.lower() + plus + defect


def read_row(text: str) -> dict[str, Any]:
    """One policy."""
    name, roots, verdict, *numbers = text.split(":")
    row: dict[str, Any] = {"name": policy_name(name), "roots": int(roots),
                           "verdict": VERDICTS[verdict], "ran": bool(numbers)}
    if not numbers:
        return row
    if len(numbers) != len(OF_POLICY) + 1 + len(SUMS):
        raise QrError(f"{row['name']} has {len(numbers)} numbers")
    row |= {key: number(text) for key, text in zip(OF_POLICY, numbers)}
    row["isolated_cpus"] = number(numbers[len(OF_POLICY)])
    row["sums"] = {key: number(text)
                   for key, text in zip(SUMS, numbers[len(OF_POLICY) + 1:])}
    return row


def read_machine(brand: str, line: str) -> dict[str, Any]:
    """The two lines about the machine."""
    hypervisor, firmware, cpus, mib, khz, features = line.split(" ")
    started, found = cpus.split("/")
    return {"cpu_brand": brand, "hypervisor": "" if hypervisor == "none" else hypervisor,
            "firmware": firmware, "cpus_started": int(started), "cpus_found": int(found),
            "memory_mib": int(mib), "tsc_khz": int(khz),
            **{name: name in features.split(",") for name in FEATURES}}


def from_base45(text: str) -> bytes:
    """Three characters are two bytes, the lowest digit first; two at the end are one."""
    data = bytearray()
    for at in range(0, len(text), 3):
        digits = [BASE45.index(char) for char in text[at:at + 3]]
        data += sum(digit * 45 ** place for place, digit in enumerate(digits)).to_bytes(
            len(digits) - 1, "big")
    return bytes(data)


def read_document(text: str) -> dict[str, Any]:
    """The document of an experiment, from the text behind its mark. zlib's sum covers it all."""
    try:
        document = json.loads(zlib.decompress(from_base45(text)))
    except (ValueError, OverflowError, zlib.error) as error:
        raise QrError(f"cut short or misread ({error}): {text[:60]!r}") from None
    assert isinstance(document, dict)
    return document


def read_text(text: str) -> dict[str, Any]:
    """The whole result."""
    if text.startswith(DOCUMENT_MARK):
        return read_document(text.removeprefix(DOCUMENT_MARK).rstrip("\r\n"))
    try:
        mark, brand, machine, cmdline, rows = text.strip("\r\n").replace("\r", "").split("\n")
        if mark != MARK:
            raise QrError(f"begins with {mark[:20]!r}, not {MARK}")
        verdict, *policies, count = rows.split("/")
        if count != f"${len(policies)}":
            raise QrError(f"ends with {count[:20]!r} after {len(policies)} rows: cut short?")
        return {"schema": 1, "machine": read_machine(brand, machine),
                "parameters": {"cmdline": cmdline}, "verdict": VERDICTS[verdict],
                "policies": [read_row(row) for row in policies]}
    except (ValueError, KeyError) as error:
        raise QrError(f"cannot be understood ({error}): {text[:60]!r}") from None


def read_picture(path: Path) -> str:
    """The text of the one QR code in a picture."""
    try:
        result = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable",
                                 str(path)], capture_output=True, timeout=LIMIT, check=False)
    except FileNotFoundError:
        raise QrError("zbarimg is missing: install zbar-tools") from None
    except subprocess.TimeoutExpired:
        raise QrError(f"zbarimg found nothing within {LIMIT} s") from None
    text = result.stdout.decode(errors="replace")
    if result.returncode or NAME not in text:
        raise QrError(f"no QR code of Lateflush in {path}")
    return text[text.index(NAME):]


def read_file(name: str) -> dict[str, Any]:
    """A picture, or text."""
    if name == "-":
        return read_text(sys.stdin.read())
    data = Path(name).read_bytes()
    if data.startswith(NAME.encode()):
        return read_text(data.decode("latin-1"))
    return read_text(read_picture(Path(name)))


def faults_of(found: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Where the code's result and run.json of the same run differ; the sums are computed here."""
    faults = []
    machine = document["machine"]
    for key, value in found["machine"].items():
        wanted = machine["memory_bytes"] >> 20 if key == "memory_mib" else machine[key]
        if value != wanted:
            faults.append(f"{key} is {value!r}, in run.json {wanted!r}")
    if found["verdict"] != document["verdict"]:
        faults.append(f"verdict {found['verdict']}, in run.json {document['verdict']}")
    if len(found["policies"]) != len(document["policies"]):
        faults.append(f"{len(found['policies'])} policies")
    for row, policy in zip(found["policies"], document["policies"]):
        cpus = [cpu for cpu in policy["cpus"] if cpu["isolated"]]
        wanted = {key: policy[key] for key in ("name", "roots", "verdict", "ran")}
        if policy["ran"]:
            wanted |= {key: policy[key] or 0 for key in OF_POLICY}
            wanted["isolated_cpus"] = len(cpus)
            wanted["sums"] = {key: None if any(cpu[key] is None for cpu in cpus)
                              else sum(cpu[key] for cpu in cpus) for key in SUMS}
        if row != wanted:
            faults.append(f"{policy['name']}: {row}, by run.json {wanted}")
    return faults


def main() -> int:
    """Command line of this tool."""
    if len(sys.argv) != 2:
        print("usage: qr.py PICTURE | TEXT | -", file=sys.stderr)
        return 2
    try:
        print(json.dumps(read_file(sys.argv[1]), indent=2))
    except (QrError, OSError) as error:
        print(f"qr: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
