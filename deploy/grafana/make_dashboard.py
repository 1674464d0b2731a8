#!/usr/bin/env python3
"""Writes beak.json, the Grafana dashboard, beside itself; with --check says whether it is up to date."""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24  # of Grafana's grid
GREEN, YELLOW, RED = "green", "yellow", "red"

# Series of the servers, and of the models, that are chosen above the dashboard.
SERVER = 'job="beak", instance=~"$instance"'
MODEL = SERVER + ', model=~"$model"'
NOT_OK, HIT = ', outcome!="ok"', ', result="hit"'
# Answers for which neither the client nor its deadline is to blame; as in ../prometheus/rules/recording.yml.
ERRORS = ('outcome!~"ok|cancelled|deadline_exceeded|invalid_argument|not_found|out_of_range|already_exists|'
          'failed_precondition|unimplemented|unauthenticated|permission_denied"')


def rate(metric, selector=MODEL):
    return f"rate({metric}{{{selector}}}[$__rate_interval])"


def ratio(part, whole):
    """0 where there is nothing to divide by."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def quantile(q, metric, by):
    return f"histogram_quantile({q}, sum by ({', '.join(['le', *by])}) ({rate(metric + '_bucket')}))"


def mean(metric, by):
    by = f"by ({', '.join(by)})"
    return f"sum {by} ({rate(metric + '_sum')}) / sum {by} ({rate(metric + '_count')})"


def thresholds(*steps):
    """Colours from the first value (None: from the least) on."""
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def targets(queries, instant=False):
    """Of {legend: expression}."""
    return [{"refId": chr(ord("A") + i), "datasource": DATASOURCE, "expr": expression, "legendFormat": legend,
             "instant": instant, "range": not instant} for i, (legend, expression) in enumerate(queries.items())]


def panel(kind, title, description, width, height, queries, unit, defaults, options, instant=False):
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "gridPos": {"w": width, "h": height}, "targets": targets(queries, instant),
            "fieldConfig": {"defaults": {"unit": unit, **defaults}, "overrides": []}, "options": options}


def stat(title, description, query, unit="short", steps=thresholds((None, GREEN)), decimals=None, legend=""):
    defaults = {"thresholds": steps, "color": {"mode": "thresholds"}}
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": "area",
               "colorMode": "value", "justifyMode": "auto", "orientation": "auto", "wideLayout": True,
               "showPercentChange": False, "percentChangeColorMode": "standard",
               "textMode": "name" if legend else "auto"}
    return panel("stat", title, description, 3, 4, {legend: query}, unit, defaults, options)


def graph(title, description, queries, unit="short", steps=None, width=8, stacked=False, least=0, most=None, log=False):
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stacked else 0, "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
              "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
              "thresholdsStyle": {"mode": "line" if steps else "off"}}
    defaults = {"custom": custom, "color": {"mode": "palette-classic"},
                "thresholds": steps or thresholds((None, GREEN))}
    if least is not None and not log:
        defaults["min"] = least
    if most is not None:
        defaults["max"] = most
    options = {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True,
                          "calcs": ["lastNotNull", "max"]},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, width, 8, queries, unit, defaults, options)


def heatmap(title, description, query, unit):
    made = panel("heatmap", title, description, 8, 8, {"{{le}}": query}, unit, {}, {
        "calculate": False, "cellGap": 0, "yAxis": {"unit": unit, "axisPlacement": "left"},
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5,
                  "fill": "dark-blue", "reverse": False},
        "tooltip": {"mode": "single", "yHistogram": False}, "showValue": "auto",
        "legend": {"show": True}, "exemplars": {"color": "orange"}})
    made["targets"][0]["format"] = "heatmap"
    return made


def table(title, description, query, hidden):
    made = panel("table", title, description, 8, 8, {"": query}, "short",
                 {"custom": {"align": "left", "inspect": False}},
                 {"frameIndex": 0, "showHeader": True, "cellHeight": "sm",
                  "footer": {"show": False, "reducer": ["sum"]}}, instant=True)
    made["targets"][0]["format"] = "table"
    made["transformations"] = [{"id": "organize", "options": {"excludeByName": {name: True for name in hidden}}}]
    return made


OVERVIEW = [
    stat("Servers up", "Servers whose metrics port answers, of those that are chosen.",
         f"sum(up{{{SERVER}}})", steps=thresholds((None, RED), (1, GREEN))),
    stat("Versions ready", "Versions of models that are served, over all servers.",
         f'sum(beak_model_version_state{{{MODEL}, state="ready"}})', steps=thresholds((None, RED), (1, GREEN))),
    stat("Requests", "Answered requests a second, whatever the answer.",
         f"sum({rate('beak_requests_total')})", "reqps"),
    stat("Errors", "Share of requests that failed for a reason that is neither the client's nor its deadline.",
         ratio(f"(sum({rate('beak_requests_total', MODEL + ', ' + ERRORS)}) or vector(0))",
               f"sum({rate('beak_requests_total')})"),
         "percentunit", thresholds((None, GREEN), (0.001, YELLOW), (0.01, RED)), 2),
    stat("p99", "99 of 100 answered requests took less, from arrival to answer, network excluded.",
         quantile(0.99, "beak_request_duration_seconds", []), "s"),
    stat("Headroom",
         "The least of all servers: how many times the load of the last ten seconds it could sustain. Below 1 "
         "it is overloaded, 100 is idle.",
         f"min(beak_headroom_ratio{{{SERVER}}})", "short", thresholds((None, RED), (1, YELLOW), (1.5, GREEN)), 2),
    stat("Rows waiting", "Rows of requests that wait for a lane, over all servers.",
         f"sum(beak_queue_rows{{{SERVER}}})", "short", thresholds((None, GREEN), (500, YELLOW), (2000, RED))),
    stat("Version of Beak", "More than one while servers are upgraded.",
         f"count by (version) (beak_build_info{{{SERVER}}})", legend="{{version}}"),
    graph("Requests by outcome",
          "Answered requests a second, over all servers and models. Everything but ok is a status of gRPC.",
          {"{{outcome}}": f"sum by (outcome) ({rate('beak_requests_total')})"}, "reqps", stacked=True),
    graph("Latency of answered requests", "From a request's arrival to its answer, over all servers and models.",
          {f"p{round(q * 100)}": quantile(q, "beak_request_duration_seconds", [])
           for q in (0.5, 0.9, 0.99)}, "s", log=True),
    graph("Lanes busy", "Lanes run networks; a server has as many as cores.",
          {"{{instance}} busy": f"beak_lanes_busy{{{SERVER}}}", "{{instance}} lanes": f"beak_lanes{{{SERVER}}}"}),
    graph("CPU: cores used", "Cores that the servers' processes use; train jobs are other processes.",
          {"{{instance}}": rate("beak_process_cpu_seconds_total", SERVER)}, "short"),
    graph("Resident memory",
          "Of the servers' processes; train jobs are other processes. Beyond the limit no model is loaded.",
          {"{{instance}}": f'beak_memory_bytes{{{SERVER}, kind="resident"}}',
           "{{instance}} limit": f"beak_memory_limit_bytes{{{SERVER}}}"}, "bytes"),
    table("Versions that are not ready", "loading, draining or failed; the log and `beak model list` have the reason.",
          f'beak_model_version_state{{{MODEL}, state!="ready"}} == 1', ["Time", "Value", "__name__", "job"]),
]

PER_MODEL = [
    graph("Requests", "Answered requests a second, whatever the answer.",
          {"{{model}} v{{version}}": f"sum by (model, version) ({rate('beak_requests_total')})"},
          "reqps", stacked=True),
    graph("Requests not answered with success", "By model and outcome.",
          {"{{model}} {{outcome}}": f"sum by (model, outcome) ({rate('beak_requests_total', MODEL + NOT_OK)})"},
          "reqps", stacked=True),
    graph("p50 and p99", "Answered requests, from arrival to answer.",
          {f"{{{{model}}}} p{round(q * 100)}": quantile(q, "beak_request_duration_seconds", ["model"])
           for q in (0.5, 0.99)},
          "s", log=True),
    heatmap("Latencies", "How many requests took how long, a second.",
            f"sum by (le) ({rate('beak_request_duration_seconds_bucket')})", "s"),
    graph("Time in the queue", "Until a lane takes the request, or it is refused or given up.",
          {f"{{{{model}}}} p{round(q * 100)}": quantile(q, "beak_queue_duration_seconds", ["model"])
           for q in (0.5, 0.99)},
          "s", log=True),
    graph("Time of an execution", "Of a batch, rows copied in and out included.",
          {"{{model}} mean": mean("beak_compute_duration_seconds", ["model"]),
           "{{model}} p99": quantile(0.99, "beak_compute_duration_seconds", ["model"])}, "s", log=True),
    graph("Rows of an execution", "What batches come to; 1 where there is nothing to gain, or nothing waiting.",
          {"{{model}} mean": mean("beak_batch_rows", ["model"])}),
    graph("Rows a second", "Rows that networks have run.",
          {"{{model}}": f"sum by (model) ({rate('beak_batch_rows_sum')})"}, "short", stacked=True),
    graph("Response cache hits", "Share of the requests of models with response_cache that were answered from memory.",
          {"{{model}}": ratio(f"sum by (model) ({rate('beak_cache_requests_total', MODEL + HIT)})",
                              f"sum by (model) ({rate('beak_cache_requests_total')})")}, "percentunit", most=1),
    graph("Weights", "Memory that packed weights hold.",
          {"{{instance}} {{model}} v{{version}}": f'beak_memory_bytes{{{MODEL}, kind="weights"}}'},
          "bytes", stacked=True),
    graph("Programs", "Compiled programs, one for each shape and number of threads. They are made in the background.",
          {"{{instance}} {{model}} v{{version}}": f"beak_model_programs{{{MODEL}}}"}),
    graph("Loading took", "Of the versions that are loaded: read, checked, compiled, warmed up.",
          {"{{instance}} {{model}} v{{version}}": f"beak_model_load_duration_seconds{{{MODEL}}}"}, "s"),
]

SCHEDULING = [
    graph("Headroom", "How many times the load of the last ten seconds could be sustained. Scale out before it is 1.",
          {"{{instance}}": f"beak_headroom_ratio{{{SERVER}}}"},
          steps=thresholds((None, RED), (1, YELLOW), (1.5, GREEN)), log=True),
    graph("Lanes' time left",
          "Share of the lanes' time that is neither offered by requests (the refused included) nor used; "
          "below 0 requests are refused.",
          {"{{instance}}": f"1 - (({rate('beak_offered_compute_seconds_total', SERVER)} > "
                           f"{rate('beak_process_cpu_seconds_total', SERVER)}) or "
                           f"{rate('beak_process_cpu_seconds_total', SERVER)}) / beak_lanes{{{SERVER}}}"},
          "percentunit", steps=thresholds((None, RED), (0, YELLOW), (0.2, GREEN)), least=None, most=1),
    graph("Lanes: offered, used, there",
          "Lanes that all requests would keep busy in batches, the refused included; cores "
          "that the process uses; lanes that there are.",
          {"{{instance}} offered": rate("beak_offered_compute_seconds_total", SERVER),
           "{{instance}} used": rate("beak_process_cpu_seconds_total", SERVER),
           "{{instance}} lanes": f"beak_lanes{{{SERVER}}}"}),
    graph("Rows waiting",
          "The limit is --queue-rows (4096), or max_queue_rows of a model; beyond it requests are refused.",
          {"{{instance}}": f"beak_queue_rows{{{SERVER}}}"}),
    graph("Bytes waiting", "Inputs of requests that wait. The limit is --queue-bytes (1 GiB).",
          {"{{instance}}": f"beak_queue_bytes{{{SERVER}}}"}, "bytes"),
    graph("Deadline misses",
          "By where the request was: arrival (refused at once, hopeless or too late already), queue, run, "
          "answer (answered, but late).",
          {"{{place}}": f"sum by (place) ({rate('beak_deadline_misses_total')})"}, "reqps", stacked=True),
    graph("Refusals", "Requests that were not run, by reason: queue_full, hopeless (could not be in time), expired, "
          "queue_timeout, cancelled, shutdown, failed.",
          {"{{reason}}": f"sum by (reason) ({rate('beak_refusals_total')})"}, "reqps", stacked=True),
    graph("Executed late", "Requests whose run began after their deadline. Must stay 0.",
          {"{{instance}}": f"increase(beak_executed_late_total{{{SERVER}}}[$__rate_interval])"},
          steps=thresholds((None, GREEN), (1, RED))),
    graph("Expected time of a run",
          "On one thread, by the rows of the batch, the least of all servers. Batches gain where twice "
          "the rows take less than twice as long.",
          {"{{model}} v{{version}} {{rows}} rows":
           f'min by (model, version, rows) (beak_batch_cost_seconds{{{MODEL}, threads="1"}})'},
          "s", log=True),
    graph("CPU quota: periods held up",
          "Share of the periods (0.1 s each) in which the cgroup had used its quota up; 0 without one.",
          {"{{instance}}": ratio(rate("beak_cpu_throttled_periods_total", SERVER),
                                 rate("beak_cpu_periods_total", SERVER))},
          "percentunit", steps=thresholds((None, GREEN), (0.1, YELLOW), (0.25, RED)), most=1),
    graph("CPU quota: cores held up", "Cores that wanted to compute and were not let.",
          {"{{instance}}": rate("beak_cpu_throttled_seconds_total", SERVER)}, "short"),
    graph("Response cache", "What it holds; evictions a second say that it is too small (--cache-bytes).",
          {"{{instance}} bytes": f"beak_cache_bytes{{{SERVER}}}"}, "bytes"),
    graph("Response cache: entries, evictions", "Answers held, and answers given up a second to make room.",
          {"{{instance}} entries": f"beak_cache_entries{{{SERVER}}}",
           "{{instance}} evictions a second": rate("beak_cache_evictions_total", SERVER)}),
]

TRAINING = [
    graph("Jobs", "By state; those that have ended are counted until they are deleted.",
          {"{{state}}": f"sum by (state) (beak_train_jobs{{{SERVER}}})"}),
    graph("Loss", "Mean of the epoch so far, on the training data. Series end with the job.",
          {"{{instance}} {{model}}": f"beak_train_loss{{{MODEL}}}"}, log=True),
    graph("Accuracy", "On the held-out data, after each epoch.",
          {"{{instance}} {{model}}": f"beak_train_accuracy{{{MODEL}}}"}, "percentunit", most=1),
    graph("Learning rate",
          "Of the last step.", {"{{instance}} {{model}}": f"beak_train_learning_rate{{{MODEL}}}"}, "sci"),
    graph("Samples a second", "That training gets through.",
          {"{{instance}} {{model}}": f"beak_train_samples_per_second{{{MODEL}}}"}),
    graph("Time of a step", "Median of the last steps.",
          {"{{instance}} {{model}}": f"beak_train_step_seconds{{{MODEL}}}"}, "s"),
    graph("Paused",
          "Share of the time in which train processes were kept from computing because requests needed the lanes. "
          "Near 1 a job gets nowhere.",
          {"{{instance}}": rate("beak_train_paused_seconds_total", SERVER)}, "percentunit"),
]

ROWS = {"Overview": OVERVIEW, "Per model": PER_MODEL, "Scheduling": SCHEDULING, "Train jobs": TRAINING}


def laid_out(rows):
    """The panels, each row's below its title, left to right."""
    panels, y = [], 0
    for title, content in rows.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y, x, height = y + 1, 0, 0
        for one in content:
            place = one["gridPos"]
            if x + place["w"] > WIDTH:
                y, x, height = y + height, 0, 0
            panels.append({**one, "gridPos": {"x": x, "y": y, **place}})
            x, height = x + place["w"], max(height, place["h"])
        y += height
    return [{"id": number, **one} for number, one in enumerate(panels, 1)]


def variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "query": query,
    "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".*", "hide": 0, "skipUrlSync": False,
            "current": {"selected": True, "text": "All", "value": "$__all"}}


def dashboard():
    return {
        "uid": "beak", "title": "Beak", "tags": ["beak"], "schemaVersion": 38, "version": 1, "editable": True,
        "description": "Neural-network servers on CPUs. Made by deploy/grafana/make_dashboard.py.",
        "graphTooltip": 1, "refresh": "30s", "timezone": "browser", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0,
             "refresh": 1, "multi": False, "includeAll": False, "skipUrlSync": False},
            variable("instance", "Server", 'label_values(beak_build_info{job="beak"}, instance)'),
            variable("model", "Model",
                     'label_values(beak_model_version_state{job="beak", instance=~"$instance"}, model)'),
        ]},
        "annotations": {"list": []}, "links": [], "panels": laid_out(ROWS),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where beak.json is another")
    check = parser.parse_args().check
    text, path = json.dumps(dashboard(), indent=1) + "\n", HERE / "beak.json"
    if not check:
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        print(f"{path}: expected what make_dashboard.py writes; run it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
