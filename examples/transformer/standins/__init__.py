"""Stand-ins for two managed services that no emulator runs, for this machine only: OpenSearch and EMR Serverless.

    PYTHONPATH=examples python -m transformer.standins --port 9201 [--plain]

``http://127.0.0.1:9201/search`` then speaks OpenSearch's REST protocol, ``http://127.0.0.1:9201/spark`` the API of EMR
Serverless. What they do not know they refuse by name. Why they exist, and what they are not:
docs/adr/0016-stand-ins.md.
"""
