"""Engine results as the JSON documents of `headless.md`: pure functions, all fields of the contract.

Integers are JSON integers. Fields are added, never renamed. Text of a store
stands in them as it is; `json_text` makes it harmless.
"""
