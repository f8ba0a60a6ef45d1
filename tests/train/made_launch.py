"""Runs train.launch as it is, with tests.train.made_trainer in the place of the trainers."""

import runpy

from train.job import order

order.TRAINERS.update(dict.fromkeys(order.TRAINERS, "tests.train.made_trainer"))
runpy.run_module("train.launch", run_name="__main__", alter_sys=True)
