"""Many devices, one seed. `make sim` runs more seeds; a failing one prints how to see it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openprod.testing.simulation import Simulation, SimulationFailed, seeds

GROUP = 20
GROUPS = [seeds()[at : at + GROUP] for at in range(0, len(seeds()), GROUP)]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group[0]}-{group[-1]}")
def test_devices_that_meet_again_show_the_same_and_what_fold_says(group: list[int], tmp_path: Path) -> None:
    for seed in group:
        Simulation(seed, tmp_path / str(seed)).run()


@pytest.mark.parametrize("seed", [1, 7, 12])
def test_the_same_seed_gives_the_same_trace(seed: int, tmp_path: Path) -> None:
    first = Simulation(seed, tmp_path / "first").run()
    second = Simulation(seed, tmp_path / "second").run()
    assert first.steps == second.steps
    assert first.digest() == second.digest()


def test_another_seed_gives_another_trace(tmp_path: Path) -> None:
    assert Simulation(1, tmp_path / "1").run().digest() != Simulation(2, tmp_path / "2").run().digest()


def test_the_trace_does_not_hang_on_how_python_hashes(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from openprod.testing.simulation import Simulation; "
        "print(Simulation(5, Path(sys.argv[1])).run().digest())"
    )
    digests: set[str] = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / hash_seed)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_a_failing_seed_says_its_steps_and_how_to_see_it_again(tmp_path: Path) -> None:
    class Broken(Simulation):
        def _compare(self) -> None:
            raise AssertionError("Ana shows something else")

    with pytest.raises(SimulationFailed) as failure:
        Broken(3, tmp_path / "3").run()
    told = str(failure.value)
    assert told.startswith("Ana shows something else")
    assert "OPENPROD_SIM_SEED=3" in told
    assert "heal" in told


def test_one_variable_replays_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENPROD_SIM_SEEDS", "5")
    assert seeds() == [1, 2, 3, 4, 5]
    monkeypatch.setenv("OPENPROD_SIM_SEED", "77")
    assert seeds() == [77]
