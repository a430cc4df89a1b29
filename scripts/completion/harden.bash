# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of harden(1) for bash. Commands, flags and keys come from the command itself, hosts from the
# board. scripts/checks/completion tests it.

# COMP_WORDS is split at = and : too. Sets words, and at: the index in COMP_WORDS where each begins.
_harden_words() {
    local rest=$COMP_LINE i word
    words=() at=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=("$word") at+=("$i")
        else
            words[-1]+=$word
        fi
        rest=${rest#"$word"}
    done
}

# Offers no names with characters that are special to the shell.
_harden_hosts() {
    "$harden" status 2>/dev/null |
        awk 'seen && $1 ~ /^[][A-Za-z0-9._:\/@*-]+$/ { print $1 } $1 == "HOST" { seen = 1 }'
}

_harden_commands() {
    "$harden" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p'
    printf '%s\n' --help --version
}

# The flags of a command, one per line, each followed by the name of its value if it takes one: "--host HOST".
_harden_described() {
    "$harden" "$1" --help 2>/dev/null |
        sed -nE 's/^  (-[A-Za-z])?(, )?(--[a-z][a-z-]*)?( [A-Z][^ ]*)?(  .*)?$/\1\4\n\3\4/p' | grep ^-
}

_harden_flags() {
    printf '%s\n' --help --version
    _harden_described "$1" | cut -d' ' -f1
}

# The name of the value of a flag; empty where it takes none, or is unknown.
_harden_takes() {
    _harden_described "$1" | awk -v flag="$2" '$1 == flag { print $2 }'
}

# With hyphens, as flags have them, unless the word already has an underscore.
_harden_keys() {
    local hyphens='s/_/-/g'
    [[ $word == *_* ]] && hyphens=
    HARDEN_CONFIG=none "$harden" config 2>/dev/null | sed -n 's/^\([a-z_]*\) = .*/--\1/p' |
        sed "$hyphens"
    echo --config
}

# The possible values of a key, one per line; none where they are unknown.
_harden_key_values() {
    case ${1//_/-} in
    --mode) printf '%s\n' enforce observe off ;;
    --log) printf '%s\n' off error warn info debug ;;
    --deepbind) printf '%s\n' mask leave ;;
    --thread | --adaptive | --check-opens) printf '%s\n' on off ;;
    --per) printf '%s\n' host origin rule uid ;;
    --on-limit | --on-concurrency) printf '%s\n' wait fail ;;
    --retry) printf '%s\n' normal quick expensive off ;;
    --jitter) printf '%s\n' full equal decorrelated none ;;
    --commit) printf '%s\n' headers late ;;
    --breaker) printf '%s\n' on off observe ;;
    --state) printf '%s\n' auto private && _harden_paths -d ;;
    --log-to) printf '%s\n' stderr syslog && _harden_paths -f ;;
    --snapshot | --metrics) printf '%s\n' auto none && _harden_paths -f ;;
    --events) printf '%s\n' none && _harden_paths -f ;;
    esac
}

# Of a flag of a command.
_harden_values() {
    case $(_harden_takes "$1" "$2") in
    HOST* | URL*) _harden_hosts ;;
    FILE* | PATH*)
        _harden_paths -f
        [[ $2 != --config ]] || echo none
        ;;
    DIR*) _harden_paths -d ;;
    NAME*) compgen -u -- "$word" ;;
    PROGRAM*) compgen -c -- "$word" ;;
    '') [[ $1 != run ]] || _harden_key_values "$2" ;;
    esac
}

_harden_paths() {
    compgen "$1" -- "$word"
}

# Offers the lines that begin with word, without the part that is before its last : already.
_harden_offer() {
    local line kept=
    [[ ${COMP_WORDBREAKS-} == *:* && $word == *:* ]] && kept=${word%"${word##*:}"}
    while IFS= read -r line; do
        [[ $line == "$word"* ]] && COMPREPLY+=("${line#"$kept"}")
    done < <(sort -u)
}

_harden_files() {
    compopt -o filenames 2>/dev/null
    _harden_offer < <(compgen "$1" -- "$word")
}

_harden_value() {
    compopt -o filenames 2>/dev/null
    _harden_offer < <(_harden_values "${words[1]}" "$1")
}

# A word that begins with a hyphen: --flag=value, or one of the flags on stdin.
_harden_flag() {
    local flag=${word%%=*}
    if [[ $word == --*=* ]]; then
        word=${word#*=}
        _harden_value "$flag"
    else
        _harden_offer
    fi
}

# Sets program to the index of the program among run's words; or value_of to a flag whose value is the last
# word.
_harden_split() {
    # A flag that --help does not name is a key, which has a value.
    local alone
    alone=" --help --version $(_harden_described run | grep -v ' ' | tr '\n' ' ')"
    value_of=
    for ((program = 2; program < last; program++)); do
        case ${words[program]} in
        --) ((program++)) && return ;;
        --*=*) ;;
        -*)
            [[ $alone == *" ${words[program]} "* ]] && continue
            ((++program == last)) && value_of=${words[last - 1]} && return
            ;;
        *) return ;;
        esac
    done
}

_harden_run() {
    local program value_of
    _harden_split
    if [[ $value_of ]]; then
        _harden_value "$value_of"
    elif ((program < last)) && declare -F _command_offset >/dev/null; then
        _command_offset "${at[program]}"
    elif ((program < last)); then
        _harden_files -f
    elif [[ $word == -* && ${words[last - 1]} != -- ]]; then
        _harden_flag < <(_harden_flags run && _harden_keys)
    else
        _harden_files -c
    fi
}

_harden_other() {
    local before=${words[last - 1]}
    if [[ $word == -* ]]; then
        _harden_flag < <(_harden_flags "${words[1]}")
        return
    fi
    if [[ $before == -* && $(_harden_takes "${words[1]}" "$before") ]]; then
        _harden_value "$before"
        return
    fi
    case ${words[1]} in
    reset) _harden_offer < <(_harden_hosts) ;;
    config) _harden_files -f ;;
    help) _harden_offer < <(_harden_commands | grep -v ^-) ;;
    doctor) _harden_files -c ;;
    esac
}

_harden() {
    local harden=$1 words at last word
    _harden_words
    last=$((${#words[@]} - 1))
    word=${words[last]}
    COMPREPLY=()
    if ((last < 2)); then
        _harden_offer < <(_harden_commands)
    elif [[ ${words[1]} == run ]]; then
        _harden_run
    else
        _harden_other
    fi
}

complete -F _harden harden
