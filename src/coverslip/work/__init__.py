"""Long work: blocks, workers, Dask, resume; knows no kind of result."""
