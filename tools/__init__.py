"""Stock, without language models or HTTP. Each file here is a tool that a model may call; the folders hold what
decides."""
