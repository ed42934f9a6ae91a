"""Event files as TensorBoard reads them, for the tests.

    tensorboard_events.py FOLDER

Prints one line for each value: the folder, the kind, the tag, the step and the number (of a picture
its height and width, of a histogram its count). Without tensorboard it ends with status 3.
"""
import os
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2
except ImportError as error:
    print(error)
    sys.exit(3)

top = sys.argv[1]
for folder, _, files in sorted(os.walk(top)):
    if not files:
        continue
    name = os.path.relpath(folder, top)
    events = EventAccumulator(folder, {"scalars": 0, "images": 0, "histograms": 0}).Reload()
    tags = events.Tags()
    for tag in tags["scalars"]:
        for event in events.Scalars(tag):
            print(name, "scalar", tag, event.step, event.value, sep="\t")
    for tag in tags["images"]:
        for event in events.Images(tag):
            print(name, "image", tag, event.step, f"{event.height}x{event.width}", sep="\t")
    for tag in tags["histograms"]:
        for event in events.Histograms(tag):
            print(name, "histogram", tag, event.step, event.histogram_value.num, sep="\t")
    for tag, content in events.summary_metadata.items():
        if content.plugin_data.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(content.plugin_data.content)
            for key, value in sorted(data.session_start_info.hparams.items()):
                print(name, "setting", key, 0, str(value).strip(), sep="\t")
            if data.HasField("session_end_info"):
                print(name, "status", tag, 0, data.session_end_info.status, sep="\t")
