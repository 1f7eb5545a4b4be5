"""A network of the Open Model Zoo as a file that every command takes: evaluate, search, embed, calibrate, Embedder.

    pip install 'scalereid[export]'
    python examples/open_model_zoo.py person-reidentification-retail-0277.xml reid-0277.xml
    scalereid evaluate reid-0277.xml --data FOLDER --dataset market1501-dev

The zoo's networks of people take BGR pixels from 0 to 255, (1, 3, height, width), and have one output, (1, d). The file that is
written takes uint8 RGB (n, height, width, 3), as those of `scalereid export` do; the change of colours is inside. The same for
any network that OpenVINO reads and that takes such pixels.
"""

import hashlib
import sys
from pathlib import Path

import openvino
from openvino.preprocess import ColorFormat, PrePostProcessor

from scalereid.inference.metadata import KEY, ModelMetadata


def convert(network: Path, out: Path) -> ModelMetadata:
    """Write `network` to `out` (.xml) with a .bin beside it; what the file says of itself."""
    model = openvino.Core().read_model(str(network))
    _, _, height, width = model.input().shape
    fingerprint = hashlib.sha256(network.read_bytes() + network.with_suffix(".bin").read_bytes()).hexdigest()[:12]
    metadata = ModelMetadata(
        model=network.stem,
        fingerprint=fingerprint,
        image_size=(height, width),
        embedding_size=model.output().partial_shape[1].get_length(),
    )
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().tensor().set_color_format(ColorFormat.RGB)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).convert_color(ColorFormat.BGR)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    model = steps.build()
    model.set_rt_info(metadata.to_json(), KEY)
    openvino.save_model(model, str(out), compress_to_fp16=False)
    return metadata


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/open_model_zoo.py NETWORK.xml OUT.xml")
    written = convert(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: {written.model}, {written.fingerprint}, embeddings of {written.embedding_size} numbers")
