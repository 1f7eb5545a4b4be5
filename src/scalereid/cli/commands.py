"""Which commands there are: one line each, imported only when they are used."""

from typing import NamedTuple


class Command(NamedTuple):
    """One command: where its function is and what it is for."""

    function: str
    """MODULE:FUNCTION in this package; the function's parameters are the command's arguments and options."""
    summary: str
    """One line for `scalereid --help`."""
    resume: str = ""
    """The function for `--resume RUN`. Such a command takes a recipe first, whose settings are its options' defaults."""


COMMANDS = {
    "demo": Command("demo:demo", "Draw toy people, train, find people never seen, write a report."),
    "train": Command("train:train", "Train by a recipe, any of its settings changed.", resume="train:resume"),
    "nas": Command("nas:nas", "Search where an OSNet or a DSLNet needs instance norm.", resume="nas:resume"),
    "study": Command("study:study", "Train many runs; one table with intervals."),
    "evaluate": Command("evaluate:evaluate", "Score a model on datasets: mAP, mINP, CMC."),
    "compare": Command("compare:compare", "Compare two models query by query, with an interval."),
    "calibrate": Command("calibrate:calibrate", "Find thresholds and probabilities for a model's distances."),
    "label": Command("label:label", "Write a page to label pairs on, for calibrate."),
    "report": Command("report:report", "Write one page about a model: scores, ranked lists, mistakes."),
    "look": Command("look:look", "Write one page that looks into a model, or two side by side."),
    "search": Command("search:search", "Find the images most similar to yours; no labels are needed."),
    "detect": Command("detect:detect", "Find the people in pictures, for a gallery."),
    "embed": Command("embed:embed", "Write a table of embeddings of images."),
    "classify": Command("classify:classify", "Find classes of pictures, or score a classifier: top-1, top-5."),
    "attributes": Command("attributes:attributes", "Say what people on pictures look like, or score that."),
    "export": Command("export:export", "Write a model for ONNX Runtime, OpenVINO or torch."),
    "quantize": Command("quantize:quantize", "Write a model in int8, kept only if it is as accurate."),
    "models": Command("listing:models", "List the backbones, their sizes and costs."),
    "recipes": Command("listing:recipes", "List the recipes and the scores published for them."),
    "datasets": Command("listing:datasets", "List the datasets that can be read."),
    "data check": Command("data:data_check", "Find out what is in a folder and what is wrong with it."),
    "data unpack": Command("data:data_unpack", "Write the images in CUHK03's one MATLAB file."),
    "gallery create": Command("gallery.pictures:create", "Make a new gallery for the embeddings of one model."),
    "gallery add": Command("gallery.pictures:add", "Add pictures of people; what is there is skipped."),
    "gallery search": Command("gallery.pictures:search", "Find who is on a picture, or several of one person."),
    "gallery similar": Command("gallery.pictures:similar", "Find who is on a sighting of the gallery."),
    "gallery group": Command("gallery.meaning:group", "Propose which unknown sightings show the same person."),
    "gallery show": Command("gallery.people:show", "List the identities, or the sightings of one."),
    "gallery enrol": Command("gallery.people:enrol", "Make a new identity of sightings."),
    "gallery confirm": Command("gallery.people:confirm", "Say that sightings show an identity."),
    "gallery reject": Command("gallery.people:reject", "Say that sightings do not show an identity."),
    "gallery merge": Command("gallery.people:merge", "Say that other identities are this one."),
    "gallery split": Command("gallery.people:split", "Move some of an identity's sightings to a new identity."),
    "gallery rename": Command("gallery.people:rename", "Give an identity another name."),
    "gallery undo": Command("gallery.people:undo", "Take back what was said."),
    "gallery history": Command("gallery.people:history", "List what was said, and who searched what."),
    "gallery export": Command("gallery.people:export", "Write all that is known of an identity."),
    "gallery forget": Command("gallery.people:forget", "Delete a person, or single sightings, for good."),
    "gallery retention": Command("gallery.care:retention", "Say for how long sightings are kept; delete older ones."),
    "gallery settings": Command("gallery.meaning:settings", "Show or change thresholds, calibration, model."),
    "gallery calibrate": Command("gallery.meaning:calibrate", "Calibrate the model on the people you confirmed."),
    "gallery stats": Command("gallery.care:stats", "Say what is in a gallery."),
    "gallery check": Command("gallery.care:check", "Find out what is wrong with a gallery."),
    "gallery rebuild": Command("gallery.care:rebuild", "Write the index anew from the database."),
    "gallery reembed": Command("gallery.pictures:reembed", "Take another model, and embed all pictures by it."),
    "gallery serve": Command("gallery.serving:serve", "Serve a gallery over HTTP."),
    "completion": Command("completion:completion", "Print the script that completes commands in bash and zsh."),
}

GROUPS = {"gallery": "Keep people, find, correct, forget: `scalereid gallery` says how."}
"""Groups of commands that are one line in the list of all commands."""

RENAMED = {
    "leave-one-out": "leave-one-out is now a study: scalereid study FILE.py --data FOLDER --out FOLDER\n"
    "where FILE.py holds, for the recipe toy and datasets a, b and c:\n"
    "    from scalereid.experiments.study import leave_one_out\n"
    '    STUDY = leave_one_out("toy", ["a", "b", "c"])',
    "train-splits": "train-splits is now a study: scalereid study FILE.py --data FOLDER --out FOLDER\n"
    "where FILE.py holds, for the recipe osnet_market1501 and the splits of viper:\n"
    "    from scalereid.experiments.study import over_splits\n"
    '    STUDY = over_splits("osnet_market1501", "viper")',
    "--average-precision": "--average-precision is now --ap-rule",
}
"""Commands and options that had another name, and what to type instead."""
