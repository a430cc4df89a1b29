#compdef harden
# SPDX-License-Identifier: MIT
#
# Completion of harden(1) for zsh, to be installed as _harden in a directory of fpath. Commands, flags and
# keys come from the command itself, hosts from the board. scripts/checks/completion tests it.

_harden_commands() {
    local line
    local -a commands
    for line in ${(f)"$($harden --help 2>/dev/null)"}; do
        [[ $line =~ '^  ([a-z]+) +([A-Z].*)$' ]] && commands+=("${match[1]}:${match[2]}")
    done
    _describe command commands
}

typeset -ga _harden_common=('--help:print usage, description and exit status' '--version:print the version')

# Sets flags to "FLAG:ABOUT" of each flag of a command, and takes to the name of the value of each, or "".
_harden_read_flags() {
    local line flag
    flags=($_harden_common)
    takes=(--help '' --version '')
    for line in ${(f)"$($harden $1 --help 2>/dev/null)"}; do
        if [[ $line =~ '^  (-[A-Za-z])?(, )?(--[a-z][a-z-]*)?( ([A-Z][^ ]*))?(  +(.*))?$' ]]; then
            # Flags with one description would be offered as one.
            [[ $match[3] ]] && flags+=("${match[3]}:${match[7]}")
            [[ $match[1] ]] && flags+=("${match[1]}:${${match[3]:+short for $match[3]}:-$match[7]}")
            for flag in $match[1] $match[3]; do
                takes[$flag]=$match[5]
            done
        fi
    done
}

# With hyphens, as flags have them, unless the word already has an underscore.
_harden_keys() {
    local key
    for key in ${(f)"$(HARDEN_CONFIG=none $harden config 2>/dev/null)"}; do
        [[ $key =~ '^([a-z_]+) = ' ]] || continue
        key=$match[1]
        [[ $PREFIX == *_* ]] || key=${key//_/-}
        keys+=(--$key)
    done
}

# Offers no names with characters that are special to the shell.
_harden_hosts() {
    local line seen
    local -a hosts
    for line in ${(f)"$($harden status 2>/dev/null)"}; do
        [[ $seen && $line =~ '^([][A-Za-z0-9._:/@*-]+) ' ]] && hosts+=($match[1])
        [[ $line == HOST\ * ]] && seen=1
    done
    compadd -a hosts
}

_harden_key_value() {
    case ${1//_/-} in
    --mode) compadd enforce observe off ;;
    --log) compadd off error warn info debug ;;
    --deepbind) compadd mask leave ;;
    --thread | --adaptive | --check-opens) compadd on off ;;
    --per) compadd host origin rule uid ;;
    --on-limit | --on-concurrency) compadd wait fail ;;
    --retry) compadd normal quick expensive off ;;
    --jitter) compadd full equal decorrelated none ;;
    --commit) compadd headers late ;;
    --breaker) compadd on off observe ;;
    --state) compadd auto private; _files -/ ;;
    --log-to) compadd stderr syslog; _files ;;
    --snapshot | --metrics) compadd auto none; _files ;;
    --events) compadd none; _files ;;
    esac
}

# The value of a flag of the command.
_harden_value() {
    case ${takes[$1]-} in
    HOST* | URL*) _harden_hosts ;;
    FILE* | PATH*)
        [[ $1 != --config ]] || compadd none
        _files
        ;;
    DIR*) _files -/ ;;
    NAME*) _users ;;
    PROGRAM*) _command_names -e ;;
    '') [[ $words[2] != run ]] || _harden_key_value $1 ;;
    esac
}

# A word that begins with a hyphen: --flag=value, or one of the flags.
_harden_flag() {
    local flag=${PREFIX%%=*}
    if [[ $PREFIX == --*=* ]]; then
        compset -P '*='
        _harden_value $flag
    else
        _describe -o flag flags
    fi
}

_harden_program() {
    _command_names -e
    _files -g '*(-*)'
}

# Flags, then a program, for which its own completion follows.
_harden_run() {
    local -i at
    local -a keys
    for ((at = 3; at < CURRENT; at++)); do
        case $words[at] in
        --) ((at++)); break ;;
        --*=*) ;;
        -*)
            # A flag that --help does not name is a key, which has a value.
            (( ${+takes[$words[at]]} )) && [[ -z $takes[$words[at]] ]] && continue
            ((++at == CURRENT)) && { _harden_value $words[at-1]; return }
            ;;
        *) break ;;
        esac
    done
    if ((at < CURRENT)); then
        shift $((at - 1)) words
        ((CURRENT -= at - 1))
        _normal
    elif [[ $PREFIX == -* && $words[CURRENT-1] != -- ]]; then
        _harden_flag
        _harden_keys
        compadd -a keys
    else
        _harden_program
    fi
}

_harden_other() {
    local before=$words[CURRENT-1]
    if [[ $PREFIX == -* ]]; then
        _harden_flag
    elif [[ $before == -* && -n ${takes[$before]-} ]]; then
        _harden_value $before
    else
        case $words[2] in
        reset) _harden_hosts ;;
        config) _files ;;
        doctor) _harden_program ;;
        help) _harden_commands ;;
        esac
    fi
}

_harden() {
    local harden=$words[1]
    local -a flags match mbegin mend
    local -A takes
    if ((CURRENT == 2)); then
        _harden_commands
        _describe -o flag _harden_common
        return
    fi
    _harden_read_flags $words[2]
    if [[ $words[2] == run ]]; then
        _harden_run
    else
        _harden_other
    fi
}

_harden "$@"
