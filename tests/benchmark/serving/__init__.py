"""The figures of the server, measured with real processes on one machine; see serving_figures.py beside this folder."""
