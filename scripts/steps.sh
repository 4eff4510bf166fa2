# Sourced by scripts/lint and .ci/run: `step "name" command…` runs a step, tells its name, result and duration;
# `finish` ends with an error if one of them failed.
failed=""

step() {
    name=$1
    shift
    printf '\n── %s\n' "$name"
    started=$(date +%s)
    if "$@"; then result="bien"; else result="ÉCHEC"; failed="$failed
   - $name"; fi
    printf '── %s : %s (%s s)\n' "$name" "$result" "$(($(date +%s) - started))"
}

finish() {
    if [ -n "$failed" ]; then
        printf '\nÉtapes en échec :%s\n' "$failed"
        exit 1
    fi
    printf '\nTout est bon.\n'
}
