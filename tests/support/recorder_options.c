/* SPDX-License-Identifier: MIT */
#include "recorder_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static struct curl_slist *lists[64];
static int list_options[64];
static int list_count;
static curl_mime *mime;
static struct curl_httppost *form, *form_last;
static CURLU *curlu;

static struct trigger trigger_of(const char *v)
{
    struct trigger t = {ACT_NONE, 1, 0};
    const char *colon = strchr(v, ':');
    if (colon)
        t.at = (int)strtol(colon + 1, NULL, 10);
    t.action = strncmp(v, "pause", 5) == 0   ? ACT_PAUSE
               : strncmp(v, "short", 5) == 0 ? ACT_SHORT
               : strncmp(v, "error", 5) == 0 ? ACT_ERROR
                                             : ACT_NONE;
    return t;
}

static void set_read(const char *v)
{
    rec.read_size = strtoul(v, NULL, 10);
    rec.read_at = 0;
    curl_easy_setopt(rec.handle, CURLOPT_READFUNCTION, read_cb);
    curl_easy_setopt(rec.handle, CURLOPT_READDATA, &rec.read_at);
    if (strstr(v, ",seek"))
        curl_easy_setopt(rec.handle, CURLOPT_SEEKFUNCTION, seek_cb);
    if (strstr(v, ",ioctl"))
        curl_easy_setopt(rec.handle, CURLOPT_IOCTLFUNCTION, ioctl_cb);
    if (strstr(v, ",abort"))
        rec.read_abort = (long long)(rec.read_size / 2);
}

static void set_file(char *path)
{
    char *at = strchr(path, '@');
    long offset = 0;
    if (at) {
        *at = 0;
        offset = strtol(at + 1, NULL, 10);
    }
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, offset, SEEK_SET) != 0)
        exit(3);
    curl_easy_setopt(rec.handle, CURLOPT_READDATA, f);
}

static void add_mime(char *v)
{
    char *kind = strchr(v, ':'), *value;
    if (!kind || !(value = strchr(kind + 1, ':')))
        exit(3);
    *kind++ = 0;
    *value++ = 0;
    if (!mime)
        mime = curl_mime_init(rec.handle);
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_name(part, v);
    if (strcmp(kind, "data") == 0)
        curl_mime_data(part, value, CURL_ZERO_TERMINATED);
    else if (strcmp(kind, "file") == 0)
        curl_mime_filedata(part, value);
    else {
        rec.read_size = strtoul(value, NULL, 10);
        curl_mime_data_cb(part, (curl_off_t)rec.read_size, read_cb,
                          strcmp(kind, "cbseek") == 0 ? seek_cb : NULL, NULL, &rec.read_at);
    }
    curl_easy_setopt(rec.handle, CURLOPT_MIMEPOST, mime);
}

static void add_form(char *v)
{
    char *value = strchr(v, ':');
    if (!value)
        exit(3);
    *value++ = 0;
    curl_formadd(&form, &form_last, CURLFORM_COPYNAME, v, CURLFORM_COPYCONTENTS, value,
                 CURLFORM_END);
    curl_easy_setopt(rec.handle, CURLOPT_HTTPPOST, form);
}

static void set_list(int id, const char *value)
{
    int i = 0;
    while (i < list_count && list_options[i] != id)
        i++;
    if (i == list_count) {
        list_options[i] = id;
        list_count++;
    }
    lists[i] = curl_slist_append(lists[i], value);
    curl_easy_setopt(rec.handle, (CURLoption)id, lists[i]);
}

static void set_option(const char *name, const char *value)
{
    const struct curl_easyoption *o = curl_easy_option_by_name(name);
    CURLcode rc = CURLE_OK;
    if (!o) {
        fprintf(stderr, "recorder: no option %s\n", name);
        exit(3);
    }
    switch (o->type) {
    case CURLOT_LONG:
    case CURLOT_VALUES:
        rc = curl_easy_setopt(rec.handle, o->id, strtol(value, NULL, 10));
        break;
    case CURLOT_OFF_T:
        rc = curl_easy_setopt(rec.handle, o->id, (curl_off_t)strtoll(value, NULL, 10));
        break;
    case CURLOT_SLIST:
        set_list(o->id, value);
        break;
    default:
        rc = curl_easy_setopt(rec.handle, o->id, strcmp(value, "NULL") == 0 ? NULL : value);
    }
    if (rc)
        printf("setopt %s %d\n", name, rc);
}

static void set_header(const char *v)
{
    if (strcmp(v, "none") == 0) {
        curl_easy_setopt(rec.handle, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(rec.handle, CURLOPT_HEADERDATA, NULL);
    } else if (strcmp(v, "data") == 0) { /* the header lines go to the write callback */
        curl_easy_setopt(rec.handle, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(rec.handle, CURLOPT_HEADERDATA, &rec.body_run);
    } else
        rec.on_header = trigger_of(v);
}

static void set_write(const char *v)
{
    if (strcmp(v, "default") == 0) {
        curl_easy_setopt(rec.handle, CURLOPT_WRITEFUNCTION, NULL);
        curl_easy_setopt(rec.handle, CURLOPT_WRITEDATA, stdout);
    } else
        rec.on_write = trigger_of(v);
}

void set_pair(const char *name, char *v)
{
    if (strcmp(name, "write") == 0)
        set_write(v);
    else if (strcmp(name, "header") == 0)
        set_header(v);
    else if (strcmp(name, "read") == 0)
        set_read(v);
    else if (strcmp(name, "file") == 0)
        set_file(v);
    else if (strcmp(name, "mime") == 0)
        add_mime(v);
    else if (strcmp(name, "form") == 0)
        add_form(v);
    else if (strcmp(name, "inflight") == 0)
        rec.inflight = v;
    else if (strcmp(name, "driver") == 0)
        set_driver(v);
    else if (strcmp(name, "nested") == 0)
        rec.nested_url = v;
    else if (strcmp(name, "progress") == 0)
        rec.abort_after = strtoll(v, NULL, 10);
    else if (strcmp(name, "curlu") == 0) {
        curlu = curl_url();
        curl_url_set(curlu, CURLUPART_URL, v, 0);
        curl_easy_setopt(rec.handle, CURLOPT_CURLU, curlu);
    } else
        set_option(name, v);
}

void free_options(void)
{
    curl_mime_free(mime);
    curl_formfree(form);
    curl_url_cleanup(curlu);
    for (int i = 0; i < list_count; i++)
        curl_slist_free_all(lists[i]);
}
