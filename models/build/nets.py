"""The networks: where their float originals come from, and how each is quantised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    task: str
    source: str  # the float original, as models/build/fetch.sh names it
    output: str
    side: int  # of the square input, pixels
    subtract: float  # input value = (pixel - subtract) / divide
    divide: float
    quantile: float  # of the extremes of the calibration's photos that int8 covers; beyond, values are cut off
    pointwise: float  # power of the equalisation before pointwise convolutions
    bias_photos: int  # photos for the bias correction; 0: none, where it was measured to harm
    bgr: bool = False  # order of the input's channels
    untied: bool = False  # see quantise.Int8.apart; what shipped without stays as it is, or each enrolled face would be void
    small: bool = False  # of the small set
    float_heads: bool = True  # the last layers stay float

    @property
    def name(self):
        return self.task + ("_small" if self.small else "")


NETS = [
    Net("detect", "face_detection_short_range.tflite", "blazeface_int8.tflite", 128, 127.5, 127.5, 0.99, 1.0, 0),
    Net("mesh", "face_landmark.tflite", "facemesh_int8.tflite", 192, 0, 255, 0.95, 0.5, 0),
    Net("embed", "sface.onnx", "sface_int8.tflite", 112, 127.5, 128, 0.99, 1.0, 60, untied=True, float_heads=False),
    Net("embed", "mobilefacenet.tflite", "mobilefacenet_int8.tflite", 112, 127.5, 128, 0.99, 0.5, 60, small=True),
    Net("liveness", "liveness.onnx", "liveness_int8.tflite", 128, 0, 1, 0.99, 0.5, 60, bgr=True, untied=True),
]
