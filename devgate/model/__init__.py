"""Plain frozen data: what a profile says, what happened, what a face can see.

What comes from a file or the API is a frozen pydantic model (`profile`, `route`); what is made at run time is a frozen dataclass
(`events`, `snapshot`, `plan`, `query`). Nothing here does IO or knows the time.
"""
