# SPDX-License-Identifier: Apache-2.0
"""Where the time of the whole job goes: `adweave run --profile-json`, as the table in docs/performance.md and a picture."""

import html
import json
import os
import pathlib

import inputs
import measure
import results
from context import ROOT, Context

PAGE = ROOT / "docs/performance.md"
PICTURE = ROOT / "docs/images/whole_job_profile.svg"
BEGIN, END = "<!-- profile: ./dev bench --profile -->\n", "<!-- end of profile -->\n"

# What a stage does, for who does not know the code.
MEANING = {
    "identify": "files known by the hash of their content",
    "recover": "the state, from its snapshot and the rows after it",
    "read": "slices of whole records",
    "decode": "JSON, CSV and Avro to columns",
    "prepare": "fingerprint, enrich, validate",
    "deduplicate": "one thread, in the order of the input",
    "attribute": "one thread: join clicks, credit touches",
    "write": "Parquet, zstd, fsync",
    "commit": "the record, fsync, link",
    "merge": "small files into larger ones",
    "publish": "Delta logs",
    "keep state": "its snapshot",
    "other": "start, configuration, threads",
}

WIDTH, LEFT, RIGHT, ROW, TOP = 760, 110, 250, 24, 44
STYLE = """text{font:13px system-ui,sans-serif;fill:#24292f}.small{font-size:12px;fill:#57606a}.cpu{fill:#2f6fab}.wait{fill:#c9d7e5}
rect.page{fill:#fff}"""


def run(context: Context) -> dict:
    """Once to warm the files, then the run that is shown."""
    logs = inputs.ad_logs(context, context.events)
    for _ in range(2):
        out = context.folder("profile")
        command = [context.adweave, "run", "-c", str(logs / "whole_job.yaml"), "--data", str(out / "data"),
                   "--threads", str(context.threads), "--profile-json", str(out / "profile.json")]
        measure.run(command, out / "log")
    return json.loads((out / "profile.json").read_text())


def share(stage: dict, profile: dict) -> float:
    return 100 * stage["cpu_s"] / profile["cpu_s"]


def picture(profile: dict, title: str) -> str:
    stages = profile["stages"]
    unit = (WIDTH - LEFT - RIGHT) / max(stage["cpu_s"] + stage["wait_s"] for stage in stages)
    height = TOP + ROW * len(stages) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/><text x="12" y="24">{html.escape(title)}</text>',
    ]
    for number, stage in enumerate(stages):
        y = TOP + ROW * number
        cpu, wait = stage["cpu_s"] * unit, stage["wait_s"] * unit
        label = f"{stage['cpu_s']:.2f} CPU-s, {share(stage, profile):.0f} %"
        if stage["wait_s"] >= 0.05:
            label += f"; waits {stage['wait_s']:.2f} s"
        lines += [
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{stage["stage"]}</text>',
            f'<rect class="cpu" x="{LEFT}" y="{y + 3}" width="{cpu:.1f}" height="{ROW - 7}"/>',
            f'<rect class="wait" x="{LEFT + cpu:.1f}" y="{y + 3}" width="{wait:.1f}" height="{ROW - 7}"/>',
            f'<text class="small" x="{LEFT + cpu + wait + 6:.1f}" y="{y + 15}">{label}</text>',
        ]
    y = TOP + ROW * len(stages) + 20
    lines += [f'<text class="small" x="12" y="{y}">dark: CPU time, summed over threads; light: waiting for the disk or a lock</text>',
              "</svg>"]
    return "\n".join(lines) + "\n"


def table(profile: dict) -> str:
    lines = ["| stage | what | CPU-s | share | waits, s | rows/CPU-s |", "|---|---|---|---|---|---|"]
    for stage in profile["stages"]:
        rate = f"{stage['rows'] / stage['cpu_s']:,.0f}" if stage["rows"] and stage["cpu_s"] else ""
        lines.append(f"| {stage['stage']} | {MEANING[stage['stage']]} | {stage['cpu_s']:.2f} | {share(stage, profile):.0f} % | "
                     f"{stage['wait_s']:.2f} | {rate} |")
    return "\n".join(lines) + "\n"


def write(context: Context) -> None:
    """Replaces the table between the marks, and the picture."""
    load = os.getloadavg()[0]
    profile = run(context)
    what = f"{context.events:,} events, {profile['threads']} threads: {profile['cpu_s']:.1f} CPU-s in {profile['wall_s']:.1f} s"
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(profile, f"The whole job: {what}"))
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    shown = f"{what}. Bottleneck: {profile['bottleneck']}.\n"
    shown += f"{results.machine()}, load {load:.1f} before; commit {results.commit()}.\n\n"
    link = f"![CPU time of each stage]({PICTURE.relative_to(PAGE.parent)})\n\n"
    PAGE.write_text(before + BEGIN + "\n" + shown + link + table(profile) + "\n" + END + after)
    context.say(f"written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")
