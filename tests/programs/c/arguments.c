#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    printf("%d arguments, terminated %d\n", argc, argv[argc] == NULL);
    for (int i = 0; i < argc; i++)
        printf("%d: %zu '%s'\n", i, strlen(argv[i]), argv[i]);
    int option, verbose = 0;
    const char *output = "none";
    opterr = 0;
    while ((option = getopt(argc, argv, "vo:")) != -1) {
        if (option == 'v')
            verbose++;
        else if (option == 'o')
            output = optarg;
        else
            printf("unknown -%c\n", optopt);
    }
    printf("verbose %d output %s rest %d\n", verbose, output, argc - optind);
    return 0;
}
