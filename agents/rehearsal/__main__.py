"""Serves the rehearsal model over HTTP: `python -m agents.rehearsal --port 8800 --latency 0.2`."""

import sys

import uvicorn

from agents.rehearsal.app import create_app
from agents.rehearsal.faults import FAULTS, PASSING
from taxonomy.command import Parser, run_main

BACKLOG = 2_048


def main() -> int:
    """Serve until interrupted."""
    parser = Parser("agents.rehearsal", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port to serve on; 0 takes a free one and prints it")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes (default: 0)")
    parser.add_argument("--sigma", type=float, default=0.0, help="lognormal spread of the latency (default: 0)")
    parser.add_argument(
        "--fault-rate",
        type=float,
        default=0.0,
        help="share of requests that get a fault (default: 0)",
    )
    parser.add_argument("--faults", default=",".join(PASSING), help=f"which faults, of: {', '.join(FAULTS)}")
    parser.add_argument("--seed", type=int, default=0, help="decides which requests get a fault (default: 0)")
    arguments = parser.parse_args()
    if not 0 <= arguments.port < 65_536:
        parser.error(f"--port {arguments.port}: ports run from 0 to 65535")
    names = [name.strip() for name in arguments.faults.split(",") if name.strip()]
    try:
        app = create_app(arguments.latency, arguments.sigma, arguments.fault_rate, names, arguments.seed)
    except ValueError as error:
        parser.error(str(error))
    config = uvicorn.Config(app, host=arguments.host, port=arguments.port, log_level="warning", lifespan="off")
    socket = config.bind_socket()
    socket.listen(BACKLOG)  # before the address is told, so that whoever reads it is not turned away
    host, port = socket.getsockname()[:2]
    sys.stdout.write(f"rehearsal model on http://{host}:{port}/v1 (Ctrl-C stops)\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[socket])
    return 0


if __name__ == "__main__":
    run_main(main)
