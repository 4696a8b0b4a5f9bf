# SPDX-License-Identifier: GPL-2.0-only
"""TAP for the tests."""


class Tap:
    """Numbers the results of a program's tests, and knows whether any failed"""

    def __init__(self, program):
        self.program = program
        self.count = self.failed = 0

    def result(self, name, problem):
        """One test; "problem" is what was wrong, if anything"""
        self.count += 1
        if problem:
            self.failed += 1
            print(f"not ok {self.count} {self.program}: {name}", flush=True)
            for line in str(problem).splitlines()[:20]:
                print(f"# {line}")
        else:
            print(f"ok {self.count} {self.program}: {name}", flush=True)

    def end(self):
        """The plan; the exit status"""
        print(f"1..{self.count}")
        return self.failed > 0
