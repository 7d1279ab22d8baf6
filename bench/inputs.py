# SPDX-License-Identifier: Apache-2.0
"""Seeded input, made once and kept in .cache/bench/inputs."""

import os
import pathlib
import re
import shutil
import subprocess

import avro_to_json
from context import CACHE, Context

SEED = 1


def ad_logs(context: Context, events: int, hours: int = 24) -> pathlib.Path:
    """`adweave generate`: feeds with repeats, conflicts, late and broken rows; bid requests as JSON lines too."""
    folder = CACHE / f"inputs/logs-{events}-{hours}h"
    if folder.exists():
        return folder
    context.say(f"makes {folder.name}")
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([context.adweave, "generate", "--events", str(events), "--seed", str(SEED), "--hours", str(hours),
                    "--out", str(new)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for part in (new, new / "late"):
        drop_open_members(part / "impressions.ndjson")
        avro_to_json.convert(part / "bid_requests.avro", part / "bid_requests.ndjson")
    shutil.rmtree(new / "truth")
    (new / "whole_job.yaml").write_text(whole_job_config((new / "adweave.yaml").read_text()))
    new.rename(folder)
    return folder


def drop_open_members(path: pathlib.Path) -> None:
    """Takes out broken rows that end in a colon: DuckDB reads on over the line's end there and loses the good row that
    follows, so that no answer could be equal. The other broken rows stay. When the file was received stays too."""
    if not path.exists():
        return
    times = path.stat()
    new = path.with_suffix(".new")
    with open(path, "rb") as source, open(new, "wb") as target:
        target.writelines(line for line in source if not line.endswith(b":\n"))
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.replace(path)


def whole_job_config(text: str) -> str:
    """The generated configuration without the feeds that the job does not read."""
    parts = re.split(r"\n(?=  - name: |dimensions:)", text)
    kept = [part for part in parts if not re.match(r"  - name: (auction_outcomes|engagements)", part)]
    return "\n".join(kept) + "attribution: {policies: [last_touch]}\n"
