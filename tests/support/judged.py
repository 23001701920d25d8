"""Runs one case against a twin."""

from twin import HOST, Twin, serving

from dimse.verify import CASES, Options, Result, Target, verify_scp

__all__ = ["judged"]


async def judged(case_id: str, twin: Twin) -> Result:
    """Return the result of a run of one case."""
    async with serving(twin) as port:
        chosen = [case for case in CASES if case.id == case_id]
        (result,) = (await verify_scp(Target(host=HOST, port=port), chosen, Options())).results
    return result
