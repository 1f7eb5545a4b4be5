#!/usr/bin/env bash
# All that needs a GPU, in order, within a time limit. Called again with the same folders, it goes on where it stopped.
#
#     studies/on_a_gpu.sh DATA RUNS KEPT [SECONDS]
#
# DATA: the folder of the datasets. RUNS: for the runs and what is finished of this list. KEPT: for what is to be kept: the output
# of tests and benchmarks, and the results of the studies, one .json file each; copy studies/results there first, to go on from
# them. SECONDS: 560 by default. PYTHON, DEVICE and JOBS (runs at the same time) may be set.
set -uo pipefail
cd "$(dirname "$0")/.."
data=$1 runs=$2 kept=$3 end=$((SECONDS + ${4:-560}))
python=${PYTHON:-python3} device=${DEVICE:-cuda} jobs=${JOBS:-14}
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
mkdir -p "$runs" "$kept"

# Run a command once, within what is left of the time. It is stopped by Ctrl-C's signal, upon which studies save their steps.
once() {
    local name=$1 left=$((end - SECONDS)) code
    shift
    if [ -e "$runs/$name.done" ]; then return; fi
    if [ "$left" -lt 20 ]; then
        echo "$name: no time left"
        return
    fi
    echo "== $name, at most $left s" | tee -a "$kept/output.txt"
    timeout --signal INT --kill-after 20 "$left" "$@" > >(tee -a "$kept/output.txt") 2>&1
    code=$?
    if [ "$code" = 0 ]; then touch "$runs/$name.done"; else echo "$name ended with exit status $code"; fi
}

# run train|nas RECIPE FOLDER [OPTIONS]: a new run, or on with one that was stopped.
run() {
    local command=$1 out="$runs/$3" name="$1-${3//\//-}"
    if [ -e "$out/recipe.json" ]; then set -- --resume "$out"; else set -- "$2" --out "$out" "${@:4}"; fi
    once "$name" "$python" -m scalereid "$command" "$@" --data "$data" --device "$device"
}

# study NAME FILE FOLDER [OPTIONS]
study() {
    once "$1" "$python" -m scalereid study "studies/$2.py" --data "$data" --out "$runs/$3" --results "$kept/$3.json" \
        --jobs "$jobs" --device "$device" "${@:4}"
}

once tests "$python" -m pytest -q -m gpu tests
once steps "$python" benchmarks/training.py osnet_x1_0 256 128 "$device"
once steps-dslnet "$python" benchmarks/training.py dslnet 256 128 "$device"
once steps-small "$python" benchmarks/training.py osnet_x0_25 128 64 "$device"
once memory "$python" benchmarks/memory.py osnet_x1_0 256 128 64 "$device"
once search "$python" benchmarks/search.py 0.25 128 64 64 "$device"
study what-pays what_pays what_pays
study primary dslnet_against_osnet cuhk03 --rows "OSNet, branch" "DSLNet, branch"
study primary-market1501 dslnet_market1501 market1501 --rows "OSNet, branch" "DSLNet, branch"
study primary-transfer transfer transfer --rows OSNet OSNet-AIN
study table5 osnet_ablations table5
study all dslnet_against_osnet cuhk03
study all-market1501 dslnet_market1501 market1501
study transfer transfer transfer
study transfer-x1-0 transfer_x1_0 transfer-x1-0
study transfer-amsgrad transfer_amsgrad transfer
# The published length of the search on each place, and whether what it finds transfers.
small=(--data.batch-size 64 --optimizer.lr 0.05 --model.width 0.25 --data.image-size 64 32)
run nas nas_msmt17 searches/market1501 --data.dataset market1501-dev "${small[@]}"
run nas nas_msmt17 searches/cuhk03 --data.dataset cuhk03-pair1 "${small[@]}" --schedule.epochs 312 --search.halve-every 52
SEARCHES="$runs/searches" study transfer-searched transfer_searched transfer
# OSNet's tables 8 and 9: 200 epochs of 50,000 images of 32×32, nine runs. Published: 4.41 % on the original PNG files.
study cifar10 cifar10 cifar10
# Small pre-trainings, and whether they help people to be found.
run train cifar10_osnet_small pretraining/cifar10 --schedule.epochs 30
once pretraining-toy "$python" -m scalereid train toy --data "$runs/toy" --out "$runs/pretraining/toy" --device "$device"
START="$runs/pretraining" study pretraining pretraining pretraining-study
# From files to a scored model: 350 epochs of 12,936 images take 4,527,600 / RATE seconds, where RATE is what it prints.
once record "$python" -m scalereid train osnet_market1501 --data "$data" --out "$runs/record" --data.dataset market1501-dev \
    --optimizer.precision bfloat16 --schedule.epochs 20 --evaluation.every 20 --device "$device"
