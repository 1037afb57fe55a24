"""Beyond one machine: attempts carried out by the workers of a Dask cluster."""
