# SPDX-License-Identifier: GPL-2.0-only
"""Several reports of `zcctl --json bench` into one (schema zc-bench/1), which `zcctl bench
compare` and `zcctl report` read: each row has the index of the environment it was made in."""

import json
import pathlib


class Merged:
    """What was read so far"""

    def __init__(self):
        self.environments = []
        self.rows = []

    def read(self, path):
        """The rows of a report, each with its environment. ValueError, KeyError: it is none"""
        report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        environment, rows = report["environment"], report["rows"]
        for row in rows:
            row["environment"] = len(self.environments)
        self.environments.append(environment)
        return rows

    def write(self, path):
        """All that is in self.rows"""
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"schema": "zc-bench/1", "environments": self.environments,
                       "rows": self.rows}, f, indent=1)
            f.write("\n")
