# SPDX-License-Identifier: Apache-2.0
"""Runs a SQL script in one session: SCRIPT INPUT OUTPUT THREADS. $in and $out in it are the folders."""

import pathlib
import sys

from chdb import session

script, source, target, threads = sys.argv[1:]
text = pathlib.Path(script).read_text().replace("$in", source).replace("$out", target)
database = session.Session()
database.query(f"SET max_threads = {threads}")
for statement in text.split(";\n"):
    if statement.strip():
        database.query(statement)
