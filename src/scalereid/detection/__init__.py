"""People in pictures: any ONNX detector that the user names, read without torch."""
