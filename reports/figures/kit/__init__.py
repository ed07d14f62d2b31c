"""What every figure is built from: style, canvas, labels, colours, file formats."""
