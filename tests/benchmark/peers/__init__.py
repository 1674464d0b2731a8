"""The runtimes that Beak's engine is measured against; see engine_vs_peers.py beside this folder."""
