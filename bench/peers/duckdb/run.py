# SPDX-License-Identifier: Apache-2.0
"""Runs a SQL script: SCRIPT INPUT OUTPUT THREADS. $in and $out in it are the folders."""

import pathlib
import sys

import duckdb

script, source, target, threads = sys.argv[1:]
statements = pathlib.Path(script).read_text().replace("$in", source).replace("$out", target)
duckdb.connect(config={"threads": int(threads)}).execute(statements)
