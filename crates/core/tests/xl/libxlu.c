/*
 * Asks Debian's libxlutil what it reads. Commands come on standard input, one a line:
 *
 *   file PATH KEY...   ->  "bad", or for each key one word: "-" for none, "s:HEX" for a text,
 *                          "l:HEX:HEX..." for a list ("?" for an element that is a list)
 *   rate TEXT          ->  "bad", or BYTES,MICROSECONDS
 *
 * TEXT is what is behind the one blank, to the line's end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxl.h>
#include <libxlutil.h>

static void hex(const char *text)
{
    for (; *text; text++)
        printf("%02x", (unsigned char)*text);
}

static void value(XLU_Config *config, const char *key)
{
    const char *text;
    XLU_ConfigList *list;
    int entries;

    if (!xlu_cfg_get_string(config, key, &text, 1)) {
        printf("s:");
        hex(text);
    } else if (!xlu_cfg_get_list(config, key, &list, &entries, 1)) {
        printf("l");
        for (int i = 0; i < entries; i++) {
            const char *item = xlu_cfg_get_listitem(list, i);
            printf(":");
            if (item)
                hex(item);
            else
                printf("?");
        }
    } else {
        printf("-");
    }
    printf(" ");
}

static void file(FILE *report, char *words)
{
    XLU_Config *config = xlu_cfg_init(report, "file");
    char *path = strtok(words, " ");

    if (xlu_cfg_readfile(config, path)) {
        printf("bad");
    } else {
        for (char *key; (key = strtok(NULL, " "));)
            value(config, key);
    }
    xlu_cfg_destroy(config);
}

static void rate(FILE *report, const char *text)
{
    XLU_Config *config = xlu_cfg_init(report, "rate");
    libxl_device_nic nic;

    libxl_device_nic_init(&nic);
    /* libxlutil looks at errno without clearing it, so that one overflow would spoil all that follow. */
    errno = 0;
    if (xlu_vif_parse_rate(config, text, &nic))
        printf("bad");
    else
        printf("%llu,%lu", (unsigned long long)nic.rate_bytes_per_interval,
               (unsigned long)nic.rate_interval_usecs);
    libxl_device_nic_dispose(&nic);
    xlu_cfg_destroy(config);
}

int main(void)
{
    FILE *report = fopen("/dev/null", "w");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (!report)
        return 1;
    while ((length = getline(&line, &room, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = 0;
        if (!strncmp(line, "file ", 5))
            file(report, line + 5);
        else if (!strncmp(line, "rate ", 5))
            rate(report, line + 5);
        printf("\n");
    }
    free(line);
    fclose(report);
    return 0;
}
