# A client of lesson 22: sends messages and prints how long the first and the median took to come back.
use strict; use warnings;
use IO::Socket::INET;
use Time::HiRes 'time';

my ($port, $length, $count) = @ARGV;
my $server = IO::Socket::INET->new("127.0.0.1:$port") or die "no server on port $port: $!\n";
my ($TCP, $TCP_NODELAY, $TCP_QUICKACK) = (6, 1, 12);    # from <netinet/tcp.h>
setsockopt $server, $TCP, $TCP_NODELAY, 1 if $ENV{NODELAY};
my @took;
for (1 .. $count) {
    my ($began, $received) = (time, 0);
    syswrite $server, 'a' x $length;
    while ($received < $length) {
        setsockopt $server, $TCP, $TCP_QUICKACK, 1 if $ENV{QUICKACK};
        $received += sysread $server, my $chunk, 4096 or die "the server has closed the connection\n";
    }
    push @took, (time - $began) * 1000;
}
my ($first, $median) = ($took[0], (sort { $a <=> $b } @took)[$count / 2]);
printf "%d messages of %d bytes: first %d ms, median %d ms\n", $count, $length, $first, $median;
