"""The sample Transformer: a batch ETL that is released by canary. See README.md."""
