"""A stand-in for EMR Serverless: its API for job runs, and a warm process that runs scripts, with Spark or without."""
