"""Measures an engine from its first request to its last commit: wall clock, CPU seconds, peak memory."""

import json
import resource
import time


class Meter:
    """Started before the first request, stopped after the last commit."""

    def start(self) -> None:
        """Note where clock and CPU stand."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self, calls: int, dialogues: int) -> dict[str, float]:
        """Return what was used since the start."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return {
            "wall_s": round(wall, 2),
            "cpu_s_per_1000": round(cpu / max(calls, 1) * 1000, 2),
            "calls_per_s": round(calls / wall, 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "calls": calls,
            "dialogues": dialogues,
        }

    def report(self, calls: int, dialogues: int) -> None:
        """Print it as one line of JSON."""
        print(json.dumps(self.read(calls, dialogues)), flush=True)
