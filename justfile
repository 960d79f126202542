# `just` alone lists the recipes; they expect the environment that the README's second command makes.
bin := ".venv/bin"

_default:
    @just --list

# all that must hold before a change goes in, as CI runs it (20 to 30 minutes)
check:
    .ci/run

# formatting, lint, types and layers: what is quick
lint:
    QUICK=1 .ci/run

# the tests, or those whose names hold WORDS: just test "pull or push"
test words="":
    {{bin}}/pytest {{ if words == "" { "" } else { "-k '" + words + "'" } }}

# the tests that take minutes
long:
    {{bin}}/pytest -m long -n 3

# months of changes, faults and crashes, of so many made-up companies: just soak 200
soak seeds="50":
    {{bin}}/python -m tests.soak --seeds {{seeds}}

# put the code into shape
format:
    {{bin}}/ruff format . && {{bin}}/ruff check --fix .

# a made-up company, computed and written
demo:
    {{bin}}/connector demo

# the figures of docs/benchmarks.md: just bench 100000
bench accounts="1000000":
    {{bin}}/python -m benchmarks --accounts {{accounts}}
