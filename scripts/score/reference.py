"""Forecasts JSON lines of series with AutoETS, AutoTheta (statsforecast) and Prophet; the same lines as score:forecast."""

import json
import logging
import sys
import warnings

import numpy as np
import pandas as pd
from prophet import Prophet
from statsforecast.models import AutoETS, AutoTheta

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
SEASONS = {3600: 24, 86400: 7, 604800: 52}


def statistical(model, question):
    values = pd.Series(question["values"], dtype=float).interpolate(limit_direction="both").to_numpy()
    percent = round(question["level"] * 100)
    result = model.forecast(values, question["horizon"], level=[percent])
    return result["mean"], result[f"lo-{percent}"], result[f"hi-{percent}"]


def prophet(question):
    step = pd.Timedelta(seconds=question["stepSeconds"])
    start = pd.Timestamp(question["start"]).tz_localize(None)
    count, horizon = len(question["values"]), question["horizon"]
    times = [start + step * i for i in range(count + horizon)]
    model = Prophet(interval_width=question["level"])
    model.fit(pd.DataFrame({"ds": times[:count], "y": pd.Series(question["values"], dtype=float)}))
    np.random.seed(1)
    result = model.predict(pd.DataFrame({"ds": times[count:]}))
    return result["yhat"], result["yhat_lower"], result["yhat_upper"]


for line in sys.stdin:
    question = json.loads(line)
    # A yearly season of weeks is too long for ETS: R's forecast leaves it out above 24 likewise.
    season = SEASONS[question["stepSeconds"]]
    answers = {
        "AutoETS": lambda: statistical(AutoETS(season_length=season if season <= 24 else 1), question),
        "AutoTheta": lambda: statistical(AutoTheta(season_length=season), question),
        "Prophet": lambda: prophet(question),
    }
    for name, answer in answers.items():
        mean, lower, upper = (np.asarray(part, dtype=float).tolist() for part in answer())
        print(json.dumps({"id": question["id"], "method": name, "mean": mean, "lower": lower, "upper": upper}), flush=True)
