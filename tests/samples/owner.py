"""A devgate in small: a guardian, and a supervisor that runs the services of the JSON profile in argv[1], in the folder argv[2].

Says `up` when all are ready, and then runs until it is killed. With argv[3] = `orderly` it ends as it should.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from devgate.clock import SystemClock
from devgate.directory import Directory
from devgate.model.profile import Profile
from devgate.supervisor.guardian import Guardian
from devgate.supervisor.supervisor import Supervisor

MARK = sys.argv[3]


async def run(guardian: Guardian) -> None:
    supervisor = Supervisor(
        Directory(),
        lambda event: None,
        SystemClock(),
        state_dir=Path(sys.argv[2]) / ".devgate",
        environ=os.environ,
        gateway_url=lambda: "http://127.0.0.1:8080",
        guardian=guardian,
        mark=MARK,
    )
    async with supervisor:
        await supervisor.start(Profile.model_validate({"services": json.loads(sys.argv[1])}))
        await supervisor.settled()
        print("up", flush=True)
        if sys.argv[4:] == ["orderly"]:
            await supervisor.shutdown()
        else:
            await asyncio.Event().wait()


with Guardian.start(MARK) as guardian:
    asyncio.run(run(guardian))
