"""scalereid demo: the whole way, from drawn people to a report."""

from dataclasses import dataclass
from pathlib import Path

from scalereid.cli.models import ComputeOptions
from scalereid.cli.options import Device, Flat
from scalereid.cli.report import ReportOptions, evaluate_and_report
from scalereid.cli.starting import require_new_run, resumable
from scalereid.cli.terminal import Output, program
from scalereid.cli.toy_people import draw_toy_people
from scalereid.data.reading import read_dataset
from scalereid.recipes import RECIPES

_EXPECTED = (
    "Expected after training: mAP 82 to 87 %, rank-1 78 to 88 %, as on AMD EPYCs and an Intel Xeon.\n"
    "The same processor and number of threads give the same digits each time; others give others."
)


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """Where things are written."""

    out: Path = Path("runs/demo")
    """Folder for the run. If it exists, a number is added to its name."""
    data: Path = Path("data")
    """Folder in which the people are drawn."""
    device: Device = "auto"


def demo(options: Flat[DemoOptions], output: Flat[Output]) -> None:
    """Draw toy people, train on some, find the others and write a report. Offline,
    two minutes on two cores."""
    from scalereid.experiments import training
    from scalereid.figures.curves import require_matplotlib

    require_matplotlib()
    data, out = options.data, _free(options.out)
    require_new_run(out)
    draw_toy_people(data, output.progress, "toy")
    counts = read_dataset("toy", data).counts()
    output.say(f"1. {counts['train'].people} drawn people to learn from, {counts['query'].people} others to find")
    output.say(f"2. Training into {out} …")
    with resumable("train"):
        run = training.train(RECIPES["toy"], data=data, out=out, device=options.device, progress=output.progress)
    output.say("3. Evaluating …")
    scored, page = evaluate_and_report(
        str(run.folder), ReportOptions(data=data), ComputeOptions(device=options.device), output
    )
    untrained, command = run.log()[0].scores, program()
    assert untrained, "the toy people are scored before training"
    output.say(
        f"\n{scored}\n\n"
        f"untrained network: mAP {untrained.mAP:.2%}, rank-1 {untrained.rank(1):.2%}\n"
        f"trained network:   mAP {scored.scores.mAP:.2%}, rank-1 {scored.scores.rank(1):.2%}\n\n"
        f"{_EXPECTED}\n\n"
        f"Look at it:      {page}\n"
        f"Score it again:  {command} evaluate {run.folder} --data {data}\n"
        f"Find one again:  {command} gallery create people.gallery --model {run.folder}\n"
        f"                 {command} gallery add people.gallery '{data}/toy-1/*_c[12]_*.jpg' --camera-from '_c(.)_'\n"
        f"                 {command} gallery serve people.gallery\n"
        f"                 then open http://127.0.0.1:8000 and drop {data}/toy-1/0139_c3_0.jpg on the page\n"
        f"Train yourself:  {command} train toy --data {data} --out runs/mine --schedule.epochs 40\n"
        f"Real people:     {command} train osnet_x0_25_market1501_dev --data FOLDER --out runs/market\n"
        "                 FOLDER contains Market-1501-v15.09.15, which its authors give for research\n"
        f"Released models: {command} evaluate osnet_x0_25_msmt17.pth --data FOLDER --dataset market1501-dev\n"
        "                 a file of torchreid's model zoo: docs/how-to/which-model.md"
    )
    output.result({
        "run": str(run.folder), "page": str(page), "untrained": untrained.to_json(), "evaluation": scored.to_json(),
    })  # fmt: skip


def _free(folder: Path) -> Path:
    """`folder`, or the first of folder-2, folder-3, … that does not exist."""
    candidates = (folder if i == 1 else folder.with_name(f"{folder.name}-{i}") for i in range(1, 1_000_000))
    return next(candidate for candidate in candidates if not candidate.exists())
