# SPDX-License-Identifier: MIT
#
# Completion of harden(1) for fish. Commands, flags and keys come from the command itself, hosts from the
# board. scripts/checks/completion tests it. Each function prints candidates, one per line, with their
# description after a tab.

function __harden_commands --argument-names harden
    $harden --help 2>/dev/null | string replace -rf '^  ([a-z]+) +([A-Z].*)$' '$1'\t'$2'
end

function __harden_common
    echo --help\t'print usage, description and exit status'
    echo --version\t'print the version'
end

# FLAG, the name of its value or nothing, and its description, separated by tabs.
function __harden_described --argument-names harden command
    for line in ($harden $command --help 2>/dev/null | string replace -rf '^  (-[A-Za-z])?(?:, )?(--[a-z][a-z-]*)?(?: ([A-Z][^ ]*))?(?:  +(.*))?$' '$1'\t'$2'\t'$3'\t'$4')
        set -l part (string split \t -- $line)
        for flag in $part[1] $part[2]
            test -n "$flag" && echo $flag\t$part[3]\t$part[4]
        end
    end
end

function __harden_flags
    __harden_common
    __harden_described $argv | string replace -r \t'[^\t]*\t' \t
end

# The name of the value of a flag; empty where it takes none, or is unknown.
function __harden_takes --argument-names harden command flag
    __harden_described $harden $command | string replace -rf "^$flag"\t'([^\t]*)\t.*' '$1'
end

# With hyphens, as flags have them, unless the word already has an underscore.
function __harden_keys --argument-names harden word
    set -l keys (HARDEN_CONFIG=none $harden config 2>/dev/null | string replace -rf -- '^([a-z_]+) = .*' '--$1')
    string match -q '*_*' -- $word || set keys (string replace -a _ - -- $keys)
    printf '%s\ta key of harden.ini(5)\n' $keys
end

# Offers no names with characters that are special to the shell.
function __harden_hosts --argument-names harden
    $harden status 2>/dev/null |
        awk 'seen && $1 ~ /^[][A-Za-z0-9._:\/@*-]+$/ { print $1 } $1 == "HOST" { seen = 1 }'
end

# A path that is completed may be behind "--flag=".
function __harden_files --argument-names word
    __fish_complete_path $word
end

function __harden_directories --argument-names word
    __fish_complete_directories $word ''
end

function __harden_key_values --argument-names flag word
    switch (string replace -a _ - -- $flag)
        case --mode
            printf '%s\n' enforce observe off
        case --log
            printf '%s\n' off error warn info debug
        case --deepbind
            printf '%s\n' mask leave
        case --thread --adaptive --check-opens
            printf '%s\n' on off
        case --per
            printf '%s\n' host origin rule uid
        case --on-limit --on-concurrency
            printf '%s\n' wait fail
        case --retry
            printf '%s\n' normal quick expensive off
        case --jitter
            printf '%s\n' full equal decorrelated none
        case --commit
            printf '%s\n' headers late
        case --breaker
            printf '%s\n' on off observe
        case --state
            printf '%s\n' auto private
            __harden_directories $word
        case --log-to
            printf '%s\n' stderr syslog
            __harden_files $word
        case --snapshot --metrics
            printf '%s\n' auto none
            __harden_files $word
        case --events
            printf '%s\n' none
            __harden_files $word
    end
end

# The values of a flag of a command.
function __harden_values --argument-names harden command flag word
    switch (__harden_takes $harden $command $flag)
        case 'HOST*' 'URL*'
            __harden_hosts $harden
        case 'FILE*' 'PATH*'
            test "$flag" = --config && echo none
            __harden_files $word
        case 'DIR*'
            __harden_directories $word
        case 'NAME*'
            __fish_complete_users
        case 'PROGRAM*'
            __harden_programs $word
        case ''
            test "$command" = run && __harden_key_values $flag $word
    end
end

# A word that begins with a hyphen: --flag=value, or one of the flags.
function __harden_flag --argument-names harden command word
    if string match -q -- '--*=*' $word
        set -l part (string split -m 1 = -- $word)
        for value in (__harden_values $harden $command $part)
            echo $part[1]=$value
        end
    else
        __harden_flags $harden $command
        test $command = run && __harden_keys $harden $word
    end
end

function __harden_programs --argument-names word
    complete -C $word
end

# Flags, then a program, for which its own completion follows.
function __harden_run --argument-names harden word
    set -l words $argv[3..-1]
    set -l alone --help --version (__harden_described $harden run | string replace -rf '\t\t.*' '')
    while set -q words[1]
        set -l flag $words[1]
        switch $flag
            case --
                set -e words[1]
                set -q words[1] || __harden_programs $word
                break
            case '--*=*'
            case '-*'
                # A flag that --help does not name is a key, which has a value.
                if not contains -- $flag $alone
                    set -e words[1]
                    if not set -q words[1]
                        __harden_values $harden run $flag $word
                        return
                    end
                end
            case '*'
                break
        end
        set -e words[1]
    end
    if set -q words[1]
        complete -C (string join ' ' -- (string escape -- $words) $word)
    else if string match -q -- '-*' $word
        __harden_flag $harden run $word
    else
        __harden_programs $word
    end
end

function __harden_other --argument-names harden command word before
    set -l takes
    string match -q -- '-*' $before && set takes (__harden_takes $harden $command $before)
    if string match -q -- '-*' $word
        __harden_flag $harden $command $word
    else if test -n "$takes"
        __harden_values $harden $command $before $word
    else
        switch $command
            case reset
                __harden_hosts $harden
            case config
                __harden_files $word
            case doctor
                __harden_programs $word
            case help
                __harden_commands $harden
        end
    end
end

function __harden_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    if not set -q words[2]
        __harden_commands $words[1]
        __harden_common
    else if test $words[2] = run
        __harden_run $words[1] "$word" $words[3..-1]
    else
        __harden_other $words[1] $words[2] "$word" $words[-1]
    end
end

complete -c harden -f -a '(__harden_complete)'
