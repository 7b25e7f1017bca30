using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <summary>Keeps what jobs that have ended take, and which of them stay.</summary>
    [DbContext(typeof(JobsDbContext))]
    [Migration("20261128110000_Retention")]
    public partial class Retention : Migration
    {
        private static readonly string[] SweptBy = ["FinishedAt", "Status", "Keep", "StoredBytes", "Id"];

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "Keep",
                table: "jobs",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<long>(
                name: "StoredBytes",
                table: "jobs",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_jobs_FinishedAt_Status_Keep_StoredBytes_Id",
                table: "jobs",
                columns: SweptBy);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_jobs_FinishedAt_Status_Keep_StoredBytes_Id",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "Keep",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "StoredBytes",
                table: "jobs");
        }
    }
}
