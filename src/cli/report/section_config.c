/* SPDX-License-Identifier: MIT
 *
 * The section "Configuration". */
#include "cli/config_print.h"
#include "cli/report/page.h"
#include "cli/report/report.h"

#include <stdlib.h>

bool report_config(const struct report *r)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    bool good = f != NULL;
    if (f)
        config_print(f, r->config, true);
    good = good && fclose(f) == 0;
    page_section(r->f, "config", "Configuration");
    fprintf(r->f,
            "<p class=\"soft\">The configuration that a program started now by %s gets, as "
            "printed by <code>harden config</code>.",
            board_place_is_foreign(r->place) ? "the user who made this page, who is not that of "
                                               "the board,"
                                             : "this user");
    if (r->config->errors)
        fprintf(r->f, " <b>%d error%s</b>: the affected keys keep their defaults.",
                r->config->errors, r->config->errors == 1 ? "" : "s");
    fputs("</p>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Effective "
          "configuration\">\n<pre>",
          r->f);
    if (good)
        page_text(r->f, text);
    fputs("</pre>\n</div>\n</section>\n", r->f);
    free(text);
    return good;
}
